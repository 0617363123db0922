"""One signed request to one receiver, to an address that was judged."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import httpx2

from aggregator.notify.config import WebhookConfig
from aggregator.notify.webhooks.addresses import target_of
from aggregator.notify.webhooks.signing import headers_of
from ingest.errors import FatalError
from schemas.addresses.webhook import ForbiddenAddressError
from schemas.messages.events import encode_webhook, event_of
from schemas.sealing import Seal

GONE: Final = 410
"""The receiver wants no message ever again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that is due."""

    delivery_id: UUID
    webhook_id: UUID
    event_id: UUID
    url: str
    # As they are stored: sealed, if there are keys.
    secrets: tuple[str, ...]
    attempts: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a request. `error` is None if the receiver took the message; `status` is None
    if it did not answer."""

    error: str | None
    status: int | None = None


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Of a row of statement `due`."""
    event = event_of(row)
    if row["own_workers"] is not None:
        event = replace(event, workers=row["own_workers"])
    secrets = tuple(secret for secret in (row["secret"], row["previous_secret"]) if secret)
    return Delivery(
        row["delivery_id"],
        row["webhook_id"],
        row["event_id"],
        row["url"],
        secrets,
        row["attempts"],
        encode_webhook(event),
    )


class WebhookClient:
    """FatalError if the configured certificates cannot be read."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._seal = Seal(config.sealing_keys)
        # A name server that does not answer holds a thread for half a minute, and miners choose
        # whose it is: the loop's few threads are for decoding and computing.
        self._lookups = ThreadPoolExecutor(config.concurrency, "webhook-names")
        # trust_env: a proxy of the environment would connect to what was never judged.
        self._http = httpx2.AsyncClient(
            verify=_trusted(config.ca_file),
            timeout=config.timeout_s,
            follow_redirects=False,
            trust_env=False,
            # Connections are kept by address, so one kept for a name would serve another name.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        await self._http.aclose()
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def send(self, delivery: Delivery) -> Attempt:
        try:
            async with asyncio.timeout(self._config.timeout_s):
                status = await self._post(delivery)
        except ForbiddenAddressError as error:
            return Attempt(str(error))
        # ValueError: some part of what a miner gave as the address cannot be written as it must.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            return Attempt(f"{type(error).__name__}: {error}"[:500])
        return Attempt(None if 200 <= status < 300 else f"status {status}", status)

    async def _post(self, delivery: Delivery) -> int:
        target = await target_of(
            delivery.url, allow_private=self._config.allow_private, threads=self._lookups
        )
        headers = headers_of(
            delivery.event_id,
            delivery.body,
            now_s=int(time.time()),
            signing_secrets=[self._seal.open(secret) for secret in delivery.secrets],
        )
        async with self._http.stream(
            "POST",
            target.url,
            content=delivery.body,
            headers={**headers, "host": target.host_header},
            extensions={"sni_hostname": target.hostname},
        ) as response:
            # Nothing in the body is needed, and an endless one is not read.
            return response.status_code


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    """The system's certificates, and those of `ca_file`."""
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise FatalError(f"webhooks: certificates of {ca_file}: {error}") from error
    return context
