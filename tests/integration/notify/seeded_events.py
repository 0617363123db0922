"""A database with miners, workers and events, as the leader would have left it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg_pool import AsyncConnectionPool

from aggregator.notify.config import NotifyConfig
from aggregator.notify.outbox import Pool, configure
from aggregator.notify.publisher import Channels, Publisher, configured_channels
from deploy.database.roles import NOTIFIER
from schemas.worker import event_id
from tests.fixtures.postgres import under

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class SeededEvents:
    """Writes what the leader and the API would write."""

    def __init__(self, pool: Pool, of_publisher: Pool) -> None:
        self.pool = pool
        self.of_publisher = of_publisher
        self._numbers: dict[int, tuple[int, str | None]] = {}

    async def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def add_miner(self, account_name: str, *, alert_delay_s: int = 0) -> int:
        pools = await self.run("select id from pools limit 1") or await self.run(
            "insert into pools (title) values ('pool') returning id"
        )
        rows = await self.run(
            "insert into miners (account_name, pool_id, alert_delay_s) values (%s, %s, %s)"
            " returning id",
            account_name,
            pools[0]["id"],
            alert_delay_s,
        )
        return int(rows[0]["id"])

    async def add_worker(self, miner_id: int, name: str, *, source_id: int | None = None) -> int:
        rows = await self.run(
            "insert into workers (miner_id, name) values (%s, %s) returning id", miner_id, name
        )
        await self.run(
            "insert into worker_figures (worker_id, miner_id, status, status_since, last_share_at,"
            " source_id) values (%s, %s, 'stable', %s, %s, %s)",
            rows[0]["id"],
            miner_id,
            START,
            START,
            source_id,
        )
        return int(rows[0]["id"])

    async def fall_silent(self, worker_id: int, *, minutes: int) -> None:
        """Its last share was so long before `START`."""
        last = START - timedelta(minutes=minutes)
        await self.run(
            "update worker_figures set last_share_at = %s where worker_id = %s", last, worker_id
        )

    async def add_source(self, name: str) -> int:
        rows = await self.run("insert into sources (name) values (%s) returning id", name)
        return int(rows[0]["id"])

    async def add_webhook(self, miner_id: int, url: str, secret: str) -> UUID:
        rows = await self.run(
            "insert into webhooks (miner_id, url, secret) values (%s, %s, %s) returning id",
            miner_id,
            url,
            secret,
        )
        found: UUID = rows[0]["id"]
        return found

    async def change(
        self, worker_id: int, to_status: str, *, cause: str = "silence", source: int | None = None
    ) -> UUID:
        """A transition of a worker, stored as the leader stores it."""
        number, from_status = self._numbers.get(worker_id, (0, None))
        self._numbers[worker_id] = (number + 1, to_status)
        rows = await self.run("select uid, miner_id from workers where id = %s", worker_id)
        identity = event_id(rows[0]["uid"], number + 1)
        await self.run(
            "insert into events (event_id, kind, at, miner_id, worker_id, source_id,"
            " transition_number, from_status, to_status, cause)"
            " values (%s, 'worker-status-changed', %s, %s, %s, %s, %s, %s, %s, %s)",
            identity,
            START + timedelta(minutes=number),
            rows[0]["miner_id"],
            worker_id,
            source,
            number + 1,
            from_status,
            to_status,
            cause,
        )
        return identity

    async def source_event(self, source_id: int, kind: str, *, workers: int) -> UUID:
        identity = uuid4()
        cause = "silence" if kind == "source-silent" else "share"
        await self.run(
            "insert into events (event_id, kind, at, source_id, cause, workers)"
            " values (%s, %s, %s, %s, %s, %s)",
            identity,
            kind,
            START,
            source_id,
            cause,
            workers,
        )
        return identity

    async def alerts(self, status: str) -> list[dict[str, Any]]:
        return await self.run("select * from alerts where status = %s", status)

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.run("select * from webhook_deliveries order by sequence, id")


@asynccontextmanager
async def seeded_events(database_url: str) -> AsyncIterator[SeededEvents]:
    """Its own connections, and those of a publisher under its role."""
    own, of_publisher = (
        AsyncConnectionPool(url, min_size=1, max_size=10, open=False, configure=configure)
        for url in (database_url, under(NOTIFIER, database_url))
    )
    async with own, of_publisher:
        yield SeededEvents(own, of_publisher)


@asynccontextmanager
async def publishing(
    seeded: SeededEvents,
    config: NotifyConfig,
    *,
    channels: Channels = configured_channels,
    kind: Callable[..., Publisher] = Publisher,
) -> AsyncIterator[Publisher]:
    """A publisher that runs until the block ends; its failure fails the test."""
    publisher = kind(config, seeded.of_publisher, channels=channels)
    stop = asyncio.Event()
    running = asyncio.create_task(publisher.run(stop))
    try:
        yield publisher
    finally:
        stop.set()
        await running
