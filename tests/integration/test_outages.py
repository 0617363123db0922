"""Outages are not deaths: what the leader tells after broker, database or intake was away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from schemas.metrics import PREFIX, gauge
from tests.fixtures.figures_term import Term
from tests.fixtures.worker_minutes import FakeIntake, Work, at

LIVE = FiguresConfig(clock="wall")
# 3 shares a minute: 26 intervals are 8.7 minutes.
LIMIT_MIN = 10


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
async def intake(connection: AsyncConnection[Any]) -> FakeIntake:
    intake = FakeIntake(connection)
    await intake.set_up(workers=24)
    return intake


class Pool:
    """Workers on two sources, minute by minute: who shares, then a beat."""

    def __init__(self, connection: AsyncConnection[Any], intake: FakeIntake, term: Term) -> None:
        self.connection, self.intake, self.term = connection, intake, term
        half = len(intake.workers) // 2
        self.eu, self.us = intake.workers[:half], intake.workers[half:]

    @property
    def everybody(self) -> list[int]:
        return self.eu + self.us

    def work(self, minutes: range, workers: list[int]) -> list[Work]:
        return [
            Work(minute, worker, 1.0, source=1 if worker in self.eu else 2)
            for minute in minutes
            for worker in workers
        ]

    async def live(self, minutes: range, workers: list[int]) -> None:
        """A beat a minute, 5 s past it."""
        for minute in minutes:
            await self.flush(range(minute, minute + 1), workers, stream=minute + 1.1)
            await self.term.beat()

    async def flush(self, minutes: range, workers: list[int], *, stream: float) -> None:
        await self.intake.flush(self.work(minutes, workers), stream=stream)

    async def transitions(self) -> list[tuple[Any, ...]]:
        """(minute, worker, to, cause) of all but first shares."""
        return [
            ((when - at(0)).total_seconds() / 60, worker, to_status, cause)
            for when, worker, to_status, cause in await self._events("worker-status-changed")
            if cause != "first_share"
        ]

    async def source_events(self) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(
            "select kind, source_id, workers, cause from events"
            " where kind <> 'worker-status-changed' order by id"
        )
        return await cursor.fetchall()

    async def _events(self, kind: str) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(
            "select at, worker_id, to_status, cause from events where kind = %s order by id",
            (kind,),
        )
        return await cursor.fetchall()


@pytest.fixture
async def pool(connection: AsyncConnection[Any], intake: FakeIntake) -> Pool:
    pool = Pool(connection, intake, await Term.begin(connection, LIVE))
    await pool.live(range(60), pool.everybody)
    assert await pool.transitions() == []
    return pool


async def test_broker_was_down_for_an_hour(pool: Pool) -> None:
    """Stream time stands still, then jumps to the wall clock before anybody has shared again."""
    for _ in range(3):
        await pool.term.beat()
    await pool.intake.flush([], stream=120.1)
    await pool.term.beat()
    dead, alive = pool.everybody[0], pool.everybody[1:]
    await pool.live(range(122, 122 + 2 * LIMIT_MIN), alive)
    # The one that really died in it is told, counted from the return.
    ((minute, worker, status, cause),) = await pool.transitions()
    assert (worker, status, cause) == (dead, "unavailable", "silence")
    assert 120 < minute <= 120 + LIMIT_MIN
    assert await pool.source_events() == []


async def test_broker_was_down_and_the_leader_starts_anew_in_the_middle(
    pool: Pool, connection: AsyncConnection[Any]
) -> None:
    pool.term = await Term.begin(connection, LIVE)
    await pool.intake.flush([], stream=120.1)
    await pool.term.beat()
    # And once more: that there was an outage is not forgotten.
    pool.term = await Term.begin(connection, LIVE)
    await pool.live(range(121, 126), pool.everybody)
    assert await pool.transitions() == []


async def test_intake_was_down_and_the_stream_proves_who_died(pool: Pool) -> None:
    """It catches up by record timestamps: one flush an hour wide."""
    dead, alive = pool.everybody[0], pool.everybody[1:]
    await pool.flush(range(60, 120), alive, stream=120.1)
    await pool.term.beat()
    ((minute, worker, status, _),) = await pool.transitions()
    assert (worker, status) == (dead, "unavailable")
    assert 59 < minute <= 59 + LIMIT_MIN


async def test_leader_was_down_while_intake_went_on(
    pool: Pool, connection: AsyncConnection[Any]
) -> None:
    for minute in range(60, 180):
        await pool.flush(range(minute, minute + 1), pool.everybody, stream=minute + 1.1)
    pool.term = await Term.begin(connection, LIVE)
    await pool.term.beat()
    assert await pool.transitions() == []


async def test_database_was_away_and_intake_flushes_late(pool: Pool) -> None:
    for start in (60, 75, 90):
        await pool.flush(range(start, start + 15), pool.everybody, stream=start + 15.1)
        await pool.term.beat()
    assert await pool.transitions() == []


async def test_partition_that_lags_an_hour_holds_judgement_back(pool: Pool) -> None:
    """Half of the workers share on a partition that is taken in an hour later."""
    for minute in range(60, 120):
        await pool.flush(range(minute, minute + 1), pool.eu, stream=60.1)
        await pool.term.beat()
    assert await pool.transitions() == []
    assert await pool.source_events() == []
    dead, alive = pool.us[0], pool.us[1:]
    for start in range(60, 120, 10):
        await pool.flush(range(start, start + 10), alive, stream=start + 10.1)
        await pool.term.beat()
    ((minute, worker, status, _),) = await pool.transitions()
    assert (worker, status) == (dead, "unavailable")
    assert 59 < minute <= 59 + LIMIT_MIN


async def test_source_that_dies_is_told_once_and_so_is_its_return(pool: Pool) -> None:
    await pool.live(range(60, 80), pool.us)
    assert await pool.source_events() == [("source-silent", 1, 12, "silence")]
    fallen = await pool.transitions()
    assert {(worker, status, cause) for _, worker, status, cause in fallen} == {
        (worker, "unavailable", "source_silent") for worker in pool.eu
    }
    await pool.live(range(80, 84), pool.everybody)
    assert (await pool.source_events())[1:] == [("source-back", 1, 12, "share")]
    assert {cause for *_, cause in (await pool.transitions())[12:]} == {"source_back"}
    assert len(await pool.transitions()) == 24


async def test_gauges_and_counters_follow_the_beats(pool: Pool) -> None:
    await pool.live(range(60, 60 + LIMIT_MIN + 1), pool.everybody[:20])
    found = {
        sample.labels["status"]: sample.value
        for metric in gauge("workers").collect()
        for sample in metric.samples
        if sample.name == f"{PREFIX}workers"
    }
    assert found == {"stable": 20, "unavailable": 4, "off": 0, "removed": 0}
