"""The outermost layer: request ids, limits of size and time, security headers, metrics, the 500."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.config import HttpConfig
from query_api.http.allowed_methods import PROBES, AllowedMethods
from query_api.http.errors import (
    ApiError,
    InvalidInputError,
    MethodNotAllowedError,
    UnavailableError,
)
from query_api.http.query_params import header_of, unknown_names
from query_api.http.rate_limits import Quota, RateLimits
from schemas.error_envelope import error_body
from schemas.runtime import metrics

log: Final = structlog.get_logger()

DEADLINE: Final = "hashgauge.deadline"
QUOTA: Final = "hashgauge.quota"

_INTERNAL_HEADER: Final = b"x-headframe-api-key"
_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

# The API serves JSON and its own pages; nothing of it belongs into another site's frame.
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_BARE_CACHE: Final = (b"cache-control", b"no-store")
_PSBT: Final = re.compile(r"/payout-batches/[^/]+/psbt$")


class OuterMiddleware:
    """ASGI middleware; nothing gets past it without an envelope and a request id."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        config: HttpConfig,
        limits: RateLimits,
        methods: Callable[[], AllowedMethods],
    ) -> None:
        self._app = app
        self._methods = methods
        self._limits = limits
        self._config = config
        self._hosts = frozenset(host.lower() for host in config.allowed_hosts)
        self._seconds = metrics.histogram("http_request_seconds")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        method = scope["method"]
        writer = _ResponseWriter(scope, receive, send)
        if method == "HEAD":
            scope = {**scope, "method": "GET"}
        unknown_names.set(writer.unknown)
        try:
            self._check(scope, method)
            async with asyncio.timeout(self._config.request_timeout_s) as deadline:
                scope[DEADLINE] = deadline
                writer.scope = scope
                await self._app(scope, self._bounded(scope, writer.receive), writer.send)
        except TimeoutError:
            await writer.fail(UnavailableError("the answer took too long"))
        except ApiError as error:
            await writer.fail(error)
        except Exception as error:  # noqa: BLE001 - the last resort: the log has it, nobody else
            writer.log_failure(error)
            await writer.fail(ApiError("something went wrong here; the log has it"))
        finally:
            self._count(scope, method, writer, time.perf_counter() - started_s)

    def _check(self, scope: Scope, method: str) -> None:
        path = scope["path"]
        target = len(scope["raw_path"] or b"") + len(scope["query_string"])
        if target > self._config.max_target_bytes:
            limit = self._config.max_target_bytes
            raise InvalidInputError(f"the address is longer than {limit} bytes")
        length, longest = _header(scope, b"content-length"), self._max_body_bytes(scope)
        if length.isdigit() and int(length) > longest:
            raise InvalidInputError(f"the body is longer than {longest} bytes")
        methods = self._methods()
        if methods.lacks(path, method):
            raise MethodNotAllowedError(method, allow=methods.allow(path))
        # A probe that gets "too often", or asks by an address, would take the process out of
        # service.
        if path in PROBES:
            return
        if self._hosts and _host(scope) not in self._hosts:
            raise InvalidInputError("Host: not served here")
        # An internal key has a limit of its own, ten times that of an address.
        if not _header(scope, _INTERNAL_HEADER):
            client = scope["client"]
            quota = self._limits.count_address(client[0] if client else "unknown")
            if quota is not None:
                scope[QUOTA] = quota

    def _max_body_bytes(self, scope: Scope) -> int:
        config = self._config
        return config.max_psbt_bytes if _PSBT.search(scope["path"]) else config.max_body_bytes

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        if scope["method"] == "GET":
            return receive
        limit, taken = self._max_body_bytes(scope), 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise InvalidInputError(f"the body is longer than {limit} bytes")
            return message

        return bounded

    def _count(self, scope: Scope, method: str, writer: _ResponseWriter, seconds: float) -> None:
        # The path of the route: an address may hold a token.
        path = getattr(scope.get("route"), "path", "none")
        self._seconds.labels(path, f"{writer.status // 100}xx").observe(seconds)
        if self._config.access_log:
            log.info(
                "request",
                method=method,
                route=path,
                status=writer.status,
                took_ms=round(seconds * 1_000, 1),
                address=scope["client"][0] if scope["client"] else None,
                request_id=writer.request_id.decode(),
            )


class _ResponseWriter:
    """One request's way out: adds headers, knows whether the answer has begun, and leaves the body
    of an answer to HEAD out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        offered = _header(scope, b"x-request-id")
        self.request_id = offered if _SANE_ID.fullmatch(offered) else uuid4().hex.encode()
        self.scope = scope
        self.unknown: list[str] = []
        self.status = 0
        self._without_body = scope["method"] == "HEAD"
        self._asked = False
        self._head_sent = asyncio.Event()
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """A stream without end would go on for HEAD, too: after the headers nobody listens."""
        if not self._without_body:
            return await self._receive()
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._head_sent.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._add_headers(message["headers"])
        elif self._without_body:
            if self._head_sent.is_set():
                return
            self._head_sent.set()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    def _add_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        headers.append((b"x-request-id", self.request_id))
        headers.extend(SECURITY_HEADERS)
        if self.unknown:
            headers.append((b"x-unknown-parameters", header_of(self.unknown)))
        quota: Quota | None = self.scope.get(QUOTA)
        if quota is not None:
            headers.extend(quota.headers())
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(_BARE_CACHE)

    def log_failure(self, error: Exception) -> None:
        # As text: a renderer that shows local variables would show credentials.
        trace = "".join(traceback.format_exception(error))
        log.error("request_failed", request_id=self.request_id.decode(), traceback=trace)

    async def fail(self, error: ApiError) -> None:
        """The envelope; an answer that has begun is cut off instead, which the client notices."""
        if self._head_sent.is_set():
            return
        if self.status:
            raise ConnectionAbortedError("the answer broke off") from error
        body = error_body(error.status, error.message)
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        headers += [(k.lower().encode(), v.encode()) for k, v in error.headers.items()]
        start: dict[str, Any] = {"status": error.status, "headers": headers}
        await self.send({"type": "http.response.start", **start})
        await self.send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def _host(scope: Scope) -> str:
    """Without its port, in lower case."""
    host = _header(scope, b"host").decode("latin-1").lower()
    return host if host.endswith("]") else host.rsplit(":", 1)[0]


def no_deadline(scope: Scope) -> None:
    """For answers that stream: their length is not the database's fault."""
    deadline: asyncio.Timeout = scope[DEADLINE]
    deadline.reschedule(None)
