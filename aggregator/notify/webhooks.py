"""Webhooks: events become deliveries, and each receiver gets its own, one after another.

A slow or dead receiver holds up nobody else: every receiver has a task of its own while it has
messages due, and a failure ends that task's turn.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import httpx2
import structlog

from aggregator.notify.addresses import ForbiddenAddressError, target_of
from aggregator.notify.config import WebhookConfig
from aggregator.notify.outbox import Batch, Connection, Outbox
from aggregator.notify.signing import headers_of, retry_delay_s
from ingest.errors import FatalError
from schemas.events import encode_webhook, event_of
from schemas.metrics import counter
from schemas.named_sql import load
from schemas.spans import span

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/webhooks.sql")
_TAKE: Final = ("take_alerts", "take_returns", "take_silent_sources", "take_returned_sources")
_GONE: Final = 410
_FORGET_EVERY_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that is due."""

    delivery_id: UUID
    webhook_id: UUID
    event_id: UUID
    url: str
    secrets: tuple[str, ...]
    attempts: int
    body: bytes


class WebhookChannel:
    """Owned by one `Publisher`."""

    name: Final = "webhooks"

    def __init__(self, config: WebhookConfig, outbox: Outbox, *, rate_span_s: int) -> None:
        self._config = config
        self._outbox = outbox
        self._rate_span_s = rate_span_s
        self._client: httpx2.AsyncClient | None = None
        self._lookups: ThreadPoolExecutor | None = None
        self._turns: dict[UUID, asyncio.Task[None]] = {}
        # Receivers that failed: how often in a row, and until when each rests.
        self._failures: dict[UUID, tuple[int, float]] = {}
        self._due = asyncio.Event()
        self._forget_at_s = 0.0

    async def start(self) -> None:
        # A name server that does not answer holds a thread for half a minute, and miners choose
        # whose it is: the loop's few threads are for decoding and computing.
        self._lookups = ThreadPoolExecutor(self._config.concurrency, "webhook-names")
        # trust_env: a proxy of the environment would connect to what was never judged.
        self._client = httpx2.AsyncClient(
            verify=_trusted(self._config.ca_file),
            timeout=self._config.timeout_s,
            follow_redirects=False,
            trust_env=False,
            # Connections are kept by address, so one kept for a name would serve another name.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def take(self, batch: Batch) -> None:
        bounds = {"after": batch.after, "to": batch.to, "rate_span_s": self._rate_span_s}
        async with self._outbox.transaction() as connection:
            for statement in _TAKE:
                await connection.execute(_SQL[statement], bounds)
            await self._outbox.advance(connection, self.name, batch.to)
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                await self._forget()
                await self._give_turns()
                await self._wait()
        finally:
            turns = list(self._turns.values())
            for turn in turns:
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)
            self._turns.clear()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        lookups, self._lookups = self._lookups, None
        if lookups is not None:
            lookups.shutdown(wait=False, cancel_futures=True)

    async def _forget(self) -> None:
        now_s = time.monotonic()
        if now_s < self._forget_at_s:
            return
        self._forget_at_s = now_s + _FORGET_EVERY_S
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL["forget"], {"keep_s": self._config.keep_s})

    async def _give_turns(self) -> None:
        """A task for every receiver with messages due, as far as there is room."""
        for webhook_id in [one for one, turn in self._turns.items() if turn.done()]:
            await self._turns.pop(webhook_id)
        room = self._config.concurrency - len(self._turns)
        if room <= 0:
            return
        by_webhook: defaultdict[UUID, list[Delivery]] = defaultdict(list)
        now_s = time.monotonic()
        resting = [one for one, (_, until_s) in self._failures.items() if until_s > now_s]
        busy = [*self._turns, *resting]
        wanted = {"burst": self._config.burst, "busy": busy, "room": room}
        for row in await self._outbox.read(_SQL["due"], wanted):
            by_webhook[row["webhook_id"]].append(_delivery(row))
        for webhook_id, deliveries in by_webhook.items():
            turn = asyncio.create_task(self._turn(deliveries))
            turn.add_done_callback(lambda _: self._due.set())
            self._turns[webhook_id] = turn

    async def _wait(self) -> None:
        """Until new deliveries, the end of a turn, or the next look."""
        try:
            async with asyncio.timeout(self._config.poll_s):
                await self._due.wait()
        except TimeoutError:
            return
        self._due.clear()

    async def _turn(self, deliveries: list[Delivery]) -> None:
        """One receiver's messages in order, up to the first that fails."""
        for delivery in deliveries:
            with span("deliver", channel=self.name, attempt=delivery.attempts + 1):
                error, status = await self._attempt(delivery)
            await self._settle(delivery, error, status)
            if error is not None:
                self._rest(delivery.webhook_id)
                return
            self._failures.pop(delivery.webhook_id, None)

    def _rest(self, webhook_id: UUID) -> None:
        config = self._config
        # More than 30 times tripled is longer than any rest.
        count = min(30, self._failures.get(webhook_id, (0, 0.0))[0] + 1)
        rest_s = min(
            config.first_retry_s * config.retry_factor ** (count - 1), config.longest_rest_s
        )
        self._failures[webhook_id] = count, time.monotonic() + rest_s

    async def _attempt(self, delivery: Delivery) -> tuple[str | None, int | None]:
        """What went wrong (None: delivered), and the status of the answer if there was one."""
        assert self._client is not None
        try:
            async with asyncio.timeout(self._config.timeout_s):
                status = await self._post(self._client, delivery)
        except ForbiddenAddressError as error:
            return str(error), None
        # ValueError: some part of what a miner gave as the address cannot be written as it must.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
            return f"{type(error).__name__}: {error}"[:500], None
        return (None if 200 <= status < 300 else f"status {status}"), status

    async def _post(self, client: httpx2.AsyncClient, delivery: Delivery) -> int:
        target = await target_of(
            delivery.url, allow_private=self._config.allow_private, threads=self._lookups
        )
        headers = headers_of(
            delivery.event_id,
            delivery.body,
            now_s=int(time.time()),
            signing_secrets=delivery.secrets,
        )
        async with client.stream(
            "POST",
            target.url,
            content=delivery.body,
            headers={**headers, "host": target.host_header},
            extensions={"sni_hostname": target.hostname},
        ) as response:
            # The answer says nothing that we need; an endless one is not read.
            return response.status_code

    async def _settle(self, delivery: Delivery, error: str | None, status: int | None) -> None:
        outcome, parameters = self._outcome(delivery, error, status)
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL[outcome], parameters)
            if status == _GONE:
                await connection.execute(_SQL["gone"], {"webhook_id": delivery.webhook_id})
            if error is not None:
                await self._give_up_waiting(connection, delivery.webhook_id, error)
        label = "retried" if outcome == "retry_later" else outcome
        counter("deliveries_total").labels(channel=self.name, outcome=label).inc()
        if error is not None:
            log.info(
                "webhook_not_taken", webhook=str(delivery.webhook_id), error=error, outcome=label
            )

    async def _give_up_waiting(self, connection: Connection, webhook_id: UUID, error: str) -> None:
        parameters = {
            "webhook_id": webhook_id,
            "error": f"no turn, since others failed: {error}",
            "give_up_s": self._config.give_up_s,
        }
        cursor = await connection.execute(_SQL["give_up_waiting"], parameters)
        counter("deliveries_total").labels(channel=self.name, outcome="failed").inc(cursor.rowcount)

    def _outcome(
        self, delivery: Delivery, error: str | None, status: int | None
    ) -> tuple[str, dict[str, Any]]:
        parameters: dict[str, Any] = {"delivery_id": delivery.delivery_id, "error": error}
        if error is None:
            return "delivered", parameters
        # Jitter needs no secrecy.
        draw = random.random()  # noqa: S311
        delay_s = retry_delay_s(delivery.attempts + 1, self._config, draw=draw)
        if delay_s is None or status == _GONE:
            return "failed", parameters
        return "retry_later", {**parameters, "delay_s": delay_s}


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    """The system's certificates, and those of `ca_file`. FatalError where it cannot be read."""
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise FatalError(f"webhooks: certificates of {ca_file}: {error}") from error
    return context


def _delivery(row: dict[str, Any]) -> Delivery:
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
