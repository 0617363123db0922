"""Webhooks: each receiver gets its messages in order, one after another.

A slow or dead receiver holds up nobody else: each receiver with due messages has a delivery worker
of its own, which ends at the first failure. A circuit breaker keeps it away for a while then.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog

from aggregator.notify.config import WebhookConfig
from aggregator.notify.outbox import Connection, Outbox
from aggregator.notify.webhooks.breaker import CircuitBreaker
from aggregator.notify.webhooks.client import GONE, Attempt, Delivery, WebhookClient, delivery_of
from aggregator.notify.webhooks.signing import retry_delay_s
from schemas.runtime.metrics import counter
from schemas.runtime.named_sql import load
from schemas.runtime.tracing import span

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/webhooks.sql")
_FORGET_EVERY_S: Final = 3_600.0


class WebhookChannel:
    """Owned by one `Publisher`."""

    name: Final = "webhooks"

    def __init__(self, config: WebhookConfig, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._client: WebhookClient | None = None
        self._workers: dict[UUID, asyncio.Task[None]] = {}
        self._breaker = CircuitBreaker(config)
        self._free = asyncio.Event()
        self._forget_at_s = 0.0

    async def start(self) -> None:
        self._client = WebhookClient(self._config)

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                await self._forget()
                await self._start_workers()
                await self._wait()
        finally:
            workers = list(self._workers.values())
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self._workers.clear()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _forget(self) -> None:
        now_s = time.monotonic()
        if now_s < self._forget_at_s:
            return
        self._forget_at_s = now_s + _FORGET_EVERY_S
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL["forget"], {"keep_s": self._config.keep_s})

    async def _start_workers(self) -> None:
        """A worker for every receiver with due messages, up to the capacity."""
        for webhook_id in [one for one, worker in self._workers.items() if worker.done()]:
            await self._workers.pop(webhook_id)
        capacity = self._config.concurrency - len(self._workers)
        if capacity <= 0:
            return
        wanted = {
            "messages": self._config.messages_per_worker,
            "excluded": [*self._workers, *self._breaker.open_at(time.monotonic())],
            "capacity": capacity,
        }
        by_webhook: defaultdict[UUID, list[Delivery]] = defaultdict(list)
        for row in await self._outbox.read(_SQL["due"], wanted):
            by_webhook[row["webhook_id"]].append(delivery_of(row))
        for webhook_id, deliveries in by_webhook.items():
            worker = asyncio.create_task(self._deliver(deliveries))
            worker.add_done_callback(lambda _: self._free.set())
            self._workers[webhook_id] = worker

    async def _wait(self) -> None:
        """Until a worker ends or new deliveries may be due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.poll_s):
                await self._free.wait()
        self._free.clear()

    async def _deliver(self, deliveries: list[Delivery]) -> None:
        """One receiver's messages in order, up to the first that fails."""
        assert self._client is not None
        for delivery in deliveries:
            with span("deliver", channel=self.name, attempt=delivery.attempts + 1):
                attempt = await self._client.send(delivery)
            await self._record(delivery, attempt)
            if attempt.error is not None:
                self._breaker.failed(delivery.webhook_id, time.monotonic())
                return
            self._breaker.succeeded(delivery.webhook_id)

    async def _record(self, delivery: Delivery, attempt: Attempt) -> None:
        outcome, parameters = self._outcome(delivery, attempt)
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL[outcome], parameters)
            if attempt.error is None:
                await connection.execute(_SQL["receiver_answered"], parameters)
            else:
                await self._record_failure(connection, delivery, attempt)
        label = "retried" if outcome == "retry_later" else outcome
        counter("deliveries_total").labels(channel=self.name, outcome=label).inc()
        if attempt.error is not None:
            log.info(
                "webhook_not_delivered",
                webhook=str(delivery.webhook_id),
                error=attempt.error,
                outcome=label,
            )

    async def _record_failure(
        self, connection: Connection, delivery: Delivery, attempt: Attempt
    ) -> None:
        if attempt.status == GONE:
            await connection.execute(_SQL["gone"], {"webhook_id": delivery.webhook_id})
        failing = {
            "webhook_id": delivery.webhook_id,
            # While it fails it is tried more often than this; a longer gap is our own absence.
            "gap_s": 2 * self._config.longest_retry_s,
            "error": f"not sent, since older messages failed: {attempt.error}",
            "give_up_s": self._config.give_up_s,
        }
        await connection.execute(_SQL["receiver_failed"], failing)
        cursor = await connection.execute(_SQL["give_up_waiting"], failing)
        counter("deliveries_total").labels(channel=self.name, outcome="failed").inc(cursor.rowcount)

    def _outcome(self, delivery: Delivery, attempt: Attempt) -> tuple[str, dict[str, Any]]:
        parameters: dict[str, Any] = {
            "delivery_id": delivery.delivery_id,
            "webhook_id": delivery.webhook_id,
            "error": attempt.error,
        }
        if attempt.error is None:
            return "delivered", parameters
        # Jitter needs no secrecy.
        draw = random.random()  # noqa: S311
        delay_s = retry_delay_s(delivery.attempts + 1, self._config, draw=draw)
        if delay_s is None or attempt.status == GONE:
            return "failed", parameters
        return "retry_later", {**parameters, "delay_s": delay_s}
