"""Outages are not deaths: what the leader tells after broker, database or intake was away."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.webhooks.signing import new_secret
from schemas.runtime.metrics import PREFIX, gauge
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term
from tests.integration.notify.seeded_events import publishing, seeded_events

LIVE = FiguresConfig(clock="wall")
# 3 shares a minute: 26 intervals are 8.7 minutes.
LIMIT_MIN = 10


@pytest.fixture
async def intake(connection: AsyncConnection[Any]) -> FakeIntake:
    intake = FakeIntake(connection)
    await intake.set_up(workers=24)
    return intake


class Pool:
    """Workers on two sources, minute by minute: who shares, then a cycle."""

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
        """A cycle a minute, 5 s past it."""
        for minute in minutes:
            await self.flush(range(minute, minute + 1), workers, stream=minute + 1.1)
            await self.term.cycle()

    async def flush(
        self,
        minutes: range,
        workers: list[int],
        *,
        stream: float,
        outage: tuple[float, float] | None = None,
    ) -> None:
        await self.intake.flush(self.work(minutes, workers), stream=stream, outage=outage)

    async def transitions(self) -> list[tuple[Any, ...]]:
        """(minute, worker, to, cause) of all but first shares."""
        return [
            ((when - at(0)).total_seconds() / 60, worker, to_status, cause)
            for when, worker, to_status, cause in await self._events("worker-status-changed")
            if cause != "first_share"
        ]

    async def still_silent(self) -> list[tuple[Any, ...]]:
        """(minute, worker, from, to, cause)"""
        cursor = await self.connection.execute(
            "select at, worker_id, from_status, to_status, cause from events"
            " where kind = 'worker-still-silent' order by id"
        )
        found = await cursor.fetchall()
        return [((when - at(0)).total_seconds() / 60, *rest) for when, *rest in found]

    async def source_events(self) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(
            "select kind, source_id, workers, cause from events"
            " where kind like 'source-%' order by id"
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
        await pool.term.cycle()
    await pool.intake.flush([], stream=120.1)
    await pool.term.cycle()
    dead, alive = pool.everybody[0], pool.everybody[1:]
    await pool.live(range(122, 122 + 2 * LIMIT_MIN), alive)
    # The one that really died in it is reported, counted from the return.
    ((minute, worker, status, cause),) = await pool.transitions()
    assert (worker, status, cause) == (dead, "unavailable", "silence")
    assert 120 < minute <= 120 + LIMIT_MIN
    assert await pool.source_events() == []


async def test_one_producer_delivers_what_it_buffered_before_another_does(
    pool: Pool, connection: AsyncConnection[Any]
) -> None:
    """The gap is filled in part: shares alone do not show that the broker was away."""
    await pool.flush(range(60, 75), pool.eu, stream=75.1, outage=(60.2, 75.0))
    await pool.term.cycle()
    await pool.live(range(75, 77), pool.eu)
    pool.term = await Term.begin(connection, LIVE)
    dead, alive = pool.us[0], pool.us[1:]
    await pool.flush(range(60, 77), alive, stream=77.1)
    await pool.term.cycle()
    await pool.live(range(77, 80), pool.eu + alive)
    assert await pool.transitions() == []
    assert await pool.source_events() == []
    # Who died in it is reported, one limit after its end.
    await pool.live(range(80, 90), pool.eu + alive)
    ((minute, worker, status, cause),) = await pool.transitions()
    assert (worker, status, cause) == (dead, "unavailable", "silence")
    assert 75 < minute <= 75 + LIMIT_MIN


async def test_broker_away_in_the_first_minute_of_a_new_database(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """Longer than the two hours that a worker may be silent whose interval is not known yet."""
    pool = Pool(connection, intake, await Term.begin(connection, LIVE))
    await pool.flush(range(1), pool.everybody, stream=0.6)
    await pool.flush(range(1, 130), pool.eu, stream=130.1, outage=(0.6, 130.0))
    await pool.term.cycle()
    await pool.live(range(130, 132), pool.eu)
    await pool.flush(range(1, 132), pool.us, stream=132.1)
    await pool.term.cycle()
    await pool.live(range(132, 135), pool.everybody)
    assert await pool.transitions() == []
    assert await pool.source_events() == []


async def test_broker_was_down_and_the_leader_starts_anew_in_the_middle(
    pool: Pool, connection: AsyncConnection[Any]
) -> None:
    pool.term = await Term.begin(connection, LIVE)
    await pool.intake.flush([], stream=120.1)
    await pool.term.cycle()
    # And once more: that there was an outage is not forgotten.
    pool.term = await Term.begin(connection, LIVE)
    await pool.live(range(121, 126), pool.everybody)
    assert await pool.transitions() == []


async def test_intake_was_down_and_the_stream_proves_who_died(pool: Pool) -> None:
    """It catches up by record timestamps: one flush an hour wide."""
    dead, alive = pool.everybody[0], pool.everybody[1:]
    await pool.flush(range(60, 120), alive, stream=120.1)
    await pool.term.cycle()
    ((minute, worker, status, _),) = await pool.transitions()
    assert (worker, status) == (dead, "unavailable")
    assert 59 < minute <= 59 + LIMIT_MIN


async def test_leader_was_down_while_intake_went_on(
    pool: Pool, connection: AsyncConnection[Any]
) -> None:
    for minute in range(60, 180):
        await pool.flush(range(minute, minute + 1), pool.everybody, stream=minute + 1.1)
    pool.term = await Term.begin(connection, LIVE)
    await pool.term.cycle()
    assert await pool.transitions() == []


async def test_database_was_away_and_intake_flushes_late(pool: Pool) -> None:
    for start in (60, 75, 90):
        await pool.flush(range(start, start + 15), pool.everybody, stream=start + 15.1)
        await pool.term.cycle()
    assert await pool.transitions() == []


async def test_partition_that_lags_an_hour_holds_judgement_back(pool: Pool) -> None:
    """Half of the workers share on a partition that is taken in an hour later."""
    for minute in range(60, 120):
        await pool.flush(range(minute, minute + 1), pool.eu, stream=60.1)
        await pool.term.cycle()
    assert await pool.transitions() == []
    assert await pool.source_events() == []
    dead, alive = pool.us[0], pool.us[1:]
    for start in range(60, 120, 10):
        await pool.flush(range(start, start + 10), alive, stream=start + 10.1)
        await pool.term.cycle()
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


LEFT_BEHIND_MIN = 80 + 52 / 6
"""The source is back in minute 80; 3 shares a minute have 26 intervals of 20 s."""


async def test_worker_that_its_source_leaves_behind_is_reported_once(pool: Pool) -> None:
    dead, alive = pool.eu[0], [worker for worker in pool.everybody if worker != pool.eu[0]]
    await pool.live(range(60, 80), pool.us)
    await pool.live(range(80, 80 + 3 * LIMIT_MIN), alive)
    ((minute, *published),) = await pool.still_silent()
    assert published == [dead, "unavailable", "unavailable", "silence"]
    assert minute == pytest.approx(LEFT_BEHIND_MIN, abs=1)
    await pool.live(range(110, 112), pool.everybody)
    assert (await pool.transitions())[-1][1:] == (dead, "stable", "share")


@pytest.mark.parametrize("restart", [70, 80, 81, 85, 95])
async def test_new_leader_knows_whom_a_source_left_behind(
    pool: Pool, connection: AsyncConnection[Any], restart: int
) -> None:
    """Before the return, with it, within the limit, and after it was reported."""
    dead, alive = pool.eu[0], [worker for worker in pool.everybody if worker != pool.eu[0]]
    for minute in range(60, 110):
        if minute == restart:
            pool.term = await Term.begin(connection, LIVE)
        await pool.live(range(minute, minute + 1), pool.us if minute < 80 else alive)
    ((minute, worker, *_),) = await pool.still_silent()
    assert (minute, worker) == (pytest.approx(LEFT_BEHIND_MIN, abs=1), dead)
    assert [kind for kind, *_ in await pool.source_events()] == ["source-silent", "source-back"]
    pool.term = await Term.begin(connection, LIVE)
    await pool.live(range(110, 112), pool.everybody)
    assert (await pool.transitions())[-1][1:] == (dead, "stable", "share")
    assert len(await pool.still_silent()) == 1


async def test_miner_hears_by_webhook_of_the_worker_left_behind(
    pool: Pool, database_url: str
) -> None:
    """From minutes to the receiver: the source, its return, and then the one that is not back."""
    got: list[dict[str, Any]] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(orjson.loads(request.body)["data"])
        return HttpAnswer()

    dead, alive = pool.eu[0], [worker for worker in pool.everybody if worker != pool.eu[0]]
    config = NotifyConfig(poll_s=0.05, webhooks=WebhookConfig(allow_private=True, poll_s=0.05))
    async with seeded_events(database_url) as seeded, http_server(receiver) as url:
        (miner,) = await seeded.run("select miner_id from workers where id = %s", dead)
        await seeded.add_webhook(miner["miner_id"], url, new_secret())
        async with publishing(seeded, config):
            await pool.live(range(60, 80), pool.us)
            await until(lambda: len(got) == 1)
            await pool.live(range(80, 84), alive)
            await until(lambda: len(got) == 2)
            await pool.live(range(84, 95), alive)
            await until(lambda: len(got) == 3)
            await pool.live(range(95, 97), pool.everybody)
            await until(lambda: len(got) == 4)
    assert [(published["type"], published.get("to"), published["cause"]) for published in got] == [
        ("source-silent", None, "silence"),
        ("source-back", None, "share"),
        ("worker-still-silent", "unavailable", "silence"),
        ("worker-status-changed", "stable", "share"),
    ]
    assert {published["worker"]["name"] for published in got[2:]} == {"rig0"}
    assert (got[2]["number"], got[3]["number"]) == (2, 3)
    assert len({published["id"] for published in got}) == 4


async def test_worker_long_silent_before_its_source_is_told_as_its_own(pool: Pool) -> None:
    """It is not among those whom the message about the source counts."""
    slow = pool.eu[0]
    alive = [worker for worker in pool.everybody if worker != slow]
    # One share in five minutes: its limit is two hours.
    await pool.connection.execute(
        "update worker_figures set share_interval_s = 300 where worker_id = %s", (slow,)
    )
    pool.term = await Term.begin(pool.connection, LIVE)
    await pool.live(range(60, 140), alive)
    await pool.live(range(140, 190), pool.us)
    assert [event[:2] for event in await pool.source_events()] == [("source-silent", 1)]
    causes = {worker: cause for _, worker, _, cause in await pool.transitions()}
    assert causes.pop(slow) == "silence"
    assert causes == dict.fromkeys(pool.eu[1:], "source_silent")


async def test_gauges_and_counters_follow_the_cycles(pool: Pool) -> None:
    await pool.live(range(60, 60 + LIMIT_MIN + 1), pool.everybody[:20])
    found = {
        sample.labels["status"]: sample.value
        for metric in gauge("workers").collect()
        for sample in metric.samples
        if sample.name == f"{PREFIX}workers"
    }
    assert found == {"stable": 20, "unavailable": 4, "off": 0, "removed": 0}
