"""Intake when the group takes partitions back at a bad moment; the broker is a fake."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.config import IntakeConfig
from aggregator.intake.loop import Intake, IntakeParts
from aggregator.intake.partitions import offsets
from aggregator.intake.workers.registration import Registration
from deploy.database.roles import AGGREGATOR
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.decode.decoder import Decoder
from ingest.kafka.consumer import Fetched
from ingest.kafka.progress import Progress
from ingest.kafka.record import PlainRecord
from schemas.codec import encode_json
from schemas.share import Share, ShareResult
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.intake.share_pool import count_stored

Revoked = Callable[[Collection[int]], Awaitable[None]]
Assigned = Callable[[Collection[int]], None]


class OnePartition:
    """A consumer of one partition, with a share in each record; rebalances on demand."""

    topic = "shares"

    def __init__(self) -> None:
        self.log: list[PlainRecord] = []
        # What `bounds` answers first, before it tells the truth.
        self.seen_ends: list[int] = []
        self._position: int | None = None
        self._on_revoked: Revoked
        self._on_assigned: Assigned

    def produce(self, count: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        share = Share(now_ms, "alice", "rig", 1.0, ShareResult.ACCEPTED, None)
        for _ in range(count):
            self.log.append(
                PlainRecord(encode_json([share]), timestamp=now_ms, offset=len(self.log))
            )

    async def rebalance(self) -> None:
        """The group takes the partition back and gives it to the same process again."""
        await self._on_revoked([0])
        self._position = None
        self._on_assigned([0])

    async def start(self, on_revoked: Revoked, on_assigned: Assigned) -> None:
        self._on_revoked, self._on_assigned = on_revoked, on_assigned
        on_assigned([0])

    async def stop(self) -> None: ...

    async def cluster_id(self) -> str:
        return "cluster"

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        end = self.seen_ends.pop(0) if self.seen_ends else len(self.log)
        return dict.fromkeys(partitions, (0, end))

    async def fetch(self, timeout_s: float, max_records: int) -> Fetched:
        if self._position is None or self._position == len(self.log):
            await asyncio.sleep(min(timeout_s, 0.01))
        if self._position is None:
            return Fetched({}, {})
        records = self.log[self._position : self._position + max_records]
        self._position += len(records)
        now_ms = time.time_ns() // 1_000_000
        progress = Progress(self._position, len(self.log), now_ms)
        return Fetched({0: records} if records else {}, {0: progress})

    def seek(self, partition: int, offset: int) -> None:
        self._position = offset

    def pause(self, partitions: Collection[int]) -> None: ...

    def resume(self, partitions: Collection[int]) -> None: ...

    async def commit(self, offsets: Mapping[int, int]) -> None: ...


class NoLetters:
    async def send(self, letters: Any) -> None:
        assert not letters


@asynccontextmanager
async def intake(
    database_url: str, consumer: OnePartition, **settings: Any
) -> AsyncIterator[tuple[asyncio.Event, asyncio.Task[None]]]:
    """It runs, and has taken the partition."""
    config = IntakeConfig(flush_interval_s=0.05, heartbeat_interval_s=0.05, **settings)
    stop = asyncio.Event()
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=3, open=False) as pool:
        parts = IntakeParts(pool, consumer, NoLetters(), Decoder(), DeadLetterLimit())
        running = asyncio.create_task(Intake(config, parts).run(stop))
        consumer.produce(1)
        try:
            await until(lambda: running.done() or count_stored(database_url) == 1)
            yield stop, running
        finally:
            stop.set()
            await running


@asynccontextmanager
async def nobody_can_flush(database_url: str) -> AsyncIterator[None]:
    """The rows of the offsets are locked, as by a process that hangs in its flush."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("select from intake_partitions for update")
        yield
        await connection.rollback()


async def claims_wait(database_url: str) -> bool:
    """Whether a claim waits for the lock."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock'"
            " and query like '%insert into intake_partitions%')"
        )
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def blocked(database_url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"
        )
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def test_shares_of_a_flush_that_outlasts_the_rebalance_are_read_again(
    database_url: str,
) -> None:
    """The buffer is full, so that intake waits for the very flush that the rebalance breaks off."""
    consumer = OnePartition()
    bounds = {"buffered_shares": 1, "revoke_flush_s": 0.2}
    async with intake(database_url, consumer, **bounds) as (_, running):
        async with nobody_can_flush(database_url):
            consumer.produce(1)
            await until(lambda: blocked(database_url))
            consumer.produce(2)
            await asyncio.sleep(0.2)
            await consumer.rebalance()
        await until(lambda: running.done() or count_stored(database_url) == 4)
    assert count_stored(database_url) == 4


async def test_owner_that_takes_more_until_it_is_fenced_is_no_cut_log(database_url: str) -> None:
    """As a group beside ours does, or one whose coordinator alone is away."""
    consumer = OnePartition()
    async with intake(database_url, consumer) as (_, running):
        behind = len(consumer.log)
        consumer.produce(1)
        await until(lambda: count_stored(database_url) == 2)
        # The log as it was when we looked, before the other one was fenced.
        consumer.seen_ends = [behind]
        await consumer.rebalance()
        consumer.produce(1)
        await until(lambda: running.done() or count_stored(database_url) == 3)
    assert count_stored(database_url) == 3


@pytest.mark.parametrize(
    "place", [(offsets, "claim"), (Registration, "workers")], ids=lambda at: at[1]
)
async def test_nobody_waits_for_a_process_that_froze(
    database_url: str, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    frozen, goes_on = asyncio.Event(), getattr(*place)

    async def freeze_once(*args: Any, **settings: Any) -> Any:
        answer = await goes_on(*args, **settings)
        if not frozen.is_set():
            frozen.set()
            await asyncio.Event().wait()
        return answer

    monkeypatch.setattr(*place, freeze_once)
    config = IntakeConfig(idle_in_transaction_s=0.3)
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=3, open=False) as pool:
        first = OnePartition()
        first.produce(1)
        parts = IntakeParts(pool, first, NoLetters(), Decoder(), DeadLetterLimit())
        freezing = asyncio.create_task(Intake(config, parts).run(asyncio.Event()))
        await frozen.wait()
        async with intake(database_url, OnePartition()):
            pass
        freezing.cancel()
        await asyncio.wait({freezing})
    assert count_stored(database_url) == 1


@pytest.mark.parametrize("rebalances", [1, 2, 5])
async def test_a_claim_that_waited_through_rebalances_fences_nobody(
    database_url: str, rebalances: int
) -> None:
    """The group gives the partition to another process while the first one waits for a lock; or
    back, and to the other one again."""
    first, second = OnePartition(), OnePartition()
    async with intake(database_url, first) as (_, rightful):
        stop = asyncio.Event()
        url = under(AGGREGATOR, database_url)
        async with AsyncConnectionPool(url, min_size=1, max_size=3, open=False) as pool:
            parts = IntakeParts(pool, second, NoLetters(), Decoder(), DeadLetterLimit())
            async with nobody_can_flush(database_url):
                late = asyncio.create_task(Intake(IntakeConfig(), parts).run(stop))
                await until(lambda: claims_wait(database_url))
                await second._on_revoked([0])
                for _ in range(rebalances - 1):
                    second._on_assigned([0])
                    await asyncio.sleep(0)
                    await second._on_revoked([0])
            stop.set()
            await late
        first.produce(1)
        await until(lambda: rightful.done() or count_stored(database_url) == 2)
        assert not rightful.done()


async def test_stop_during_a_rebalance_flushes_once(database_url: str) -> None:
    consumer = OnePartition()
    async with intake(database_url, consumer) as (stop, running):
        async with nobody_can_flush(database_url):
            consumer.produce(1)
            await until(lambda: blocked(database_url))
            consumer.produce(1)
            await asyncio.sleep(0.2)
            rebalance = asyncio.create_task(consumer.rebalance())
            stop.set()
            await asyncio.sleep(0.2)
        await rebalance
        await running
    assert count_stored(database_url) == 3
