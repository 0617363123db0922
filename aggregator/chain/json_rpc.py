"""JSON-RPC to a Bitcoin node: Bitcoin Core and btcd speak it alike, but for their errors.

Core answers an RPC error with HTTP 500 or 404 (and leaves `error` out of a good one, from JSON-RPC
2.0 on), btcd with 200; both put code and text into the body. What has no such body is about the
way, not about the question: 401 for a wrong password, 503 if too many calls are running (btcd: 10).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import httpx2

from ingest.errors import RetryableError

COIN: Final = 10**8
# Within one request; a batch of thousands would hold the node's only thread for these for long.
_BATCH: Final = 100

Call = tuple[Any, ...]
"""A method and its parameters."""


class NodeError(Exception):
    """The node understood the call and refuses it."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.code = code
        self.message = message


class NodeAwayError(RetryableError):
    """No answer, or none to the question: nothing is known about whether the call had an effect."""


class JsonRpc:
    """Calls to one node. Amounts come as Decimal or int, exactly as the node wrote them.

    The address holds user and password: `http://user:password@127.0.0.1:8332`. `ca_file` is for
    `https` with a certificate of the node's own, such as btcd's `rpc.cert`.
    """

    def __init__(self, url: str, *, timeout_s: float = 30.0, ca_file: str | None = None) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._url = f"{parts.scheme}://{parts.hostname}:{parts.port or 8332}{parts.path or '/'}"
        self._client = httpx2.AsyncClient(
            auth=(unquote(parts.username or ""), unquote(parts.password or "")),
            timeout=timeout_s,
            # Reading all certificates takes 70 ms: not for plain http.
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else secure,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def call(self, method: str, *params: Any) -> Any:
        """NodeError if the node refuses, NodeAwayError if it does not answer."""
        return (await self.batch([(method, *params)]))[0]

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The answers in the order of the calls; NodeError of the first that was refused."""
        found: list[Any] = []
        for start in range(0, len(calls), _BATCH):
            found += await self._some(calls[start : start + _BATCH])
        return found

    async def _some(self, calls: Sequence[Call]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, *params) in enumerate(calls)
        ]
        answers = await self._post(json.dumps(body))
        found = {answer.get("id"): answer for answer in answers}
        results = []
        for number, (method, *_) in enumerate(calls):
            answer = found.get(number)
            if answer is None:
                raise NodeAwayError(f"the node left {method} without an answer")
            if error := answer.get("error"):
                raise NodeError(method, int(error["code"]), str(error["message"]))
            results.append(answer["result"])
        return results

    async def _post(self, body: str) -> list[dict[str, Any]]:
        try:
            response = await self._client.post(
                self._url, content=body, headers={"Content-Type": "application/json"}
            )
        except httpx2.HTTPError as error:
            raise NodeAwayError(f"no answer from the node: {type(error).__name__}") from error
        try:
            answers = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            answers = None
        if not isinstance(answers, list):
            text = response.text.strip()[:100]
            raise NodeAwayError(f"the node answers {response.status_code}: {text}")
        return answers


def satoshi(amount: Decimal | int) -> int:
    """BTC as a node writes it (12.5, 50, 1E-8) → satoshi; ValueError for more than 8 decimals."""
    value = Decimal(amount) * COIN
    if value != int(value):
        raise ValueError(f"{amount} BTC is no whole number of satoshi")
    return int(value)
