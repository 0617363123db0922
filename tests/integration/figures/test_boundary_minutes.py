"""Boundary workers through the leader: the same minutes however and whenever it ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, answers, windows_of

TERA = 10**12
MINUTE_OF_A_TERAHASH = 60 * TERA / 2**32


class Donor:
    """What the API does to boundary workers, by hand: donor is miner 4, recipient miner 3."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._execute = connection.execute

    async def create(self, created_at: datetime, hashrate: int = TERA, name: str = "paper") -> int:
        cursor = await self._execute(
            "insert into workers (miner_id, name, behavior, created_at) "
            "values (3, %s, 'boundary', %s) returning id",
            (name, created_at),
        )
        row = await cursor.fetchone()
        assert row is not None
        worker = int(row[0])
        await self._execute(
            "insert into boundary_workers (worker_id, donor_id, created_at) values (%s, 4, %s)",
            (worker, created_at),
        )
        await self.change(worker, created_at, hashrate)
        return worker

    async def change(self, worker: int, valid_from: datetime, hashrate: int) -> None:
        await self._execute(
            "insert into boundary_hashrates values (%s, %s, %s)", (worker, valid_from, hashrate)
        )

    async def disconnect(self, worker: int, instant: datetime) -> None:
        await self._execute(
            "update boundary_workers set disconnected_at = %s where worker_id = %s",
            (instant, worker),
        )


@pytest.fixture
def donor(connection: AsyncConnection[Any]) -> Donor:
    return Donor(connection)


async def minutes_of(connection: AsyncConnection[Any], worker: int) -> dict[datetime, float]:
    cursor = await connection.execute(
        "select bucket, accepted from worker_minutes where worker_id = %s and accepted > 0",
        (worker,),
    )
    return dict(await cursor.fetchall())


async def test_figures_of_a_boundary_worker(
    connection: AsyncConnection[Any], intake: FakeIntake, donor: Donor
) -> None:
    """Its miner counts it, operator and pool do not."""
    term = await Term.begin(connection)
    await intake.flush([Work(0, 1, 1_000.0)], stream=1)
    await term.cycle()
    worker = await donor.create(at(2.5))
    await intake.flush([], stream=5)
    await term.cycle()
    total = 2.5 * MINUTE_OF_A_TERAHASH
    assert await minutes_of(connection, worker) == pytest.approx(
        {at(2): MINUTE_OF_A_TERAHASH / 2, at(3): MINUTE_OF_A_TERAHASH, at(4): MINUTE_OF_A_TERAHASH}
    )
    for table, key, expected in (
        ("worker_figures", worker, total),
        ("entity_figures", 3, total + 1_000),
        ("entity_figures", 2, 1_000),
        ("entity_figures", 1, 1_000),
    ):
        assert (await windows_of(connection, table, key))["accepted_1w"] == pytest.approx(expected)
    found = await answers(connection)
    assert (3, "stable", 2) in found["status_counts"]
    assert (1, "stable", 1) in found["status_counts"]
    last = found["events"][-1]
    assert (last[3], last[6], last[7], last[2]) == (worker, "stable", "created", at(2.5))


async def test_disconnected_is_off_and_keeps_its_history(
    connection: AsyncConnection[Any], intake: FakeIntake, donor: Donor
) -> None:
    worker = await donor.create(at(0))
    await intake.flush([], stream=10)
    term = await Term.begin(connection)
    await term.cycle()
    await donor.disconnect(worker, at(12.25))
    for stream in (11, 12, 13, 40):
        await intake.flush([], stream=stream)
        await term.cycle()
    minutes = await minutes_of(connection, worker)
    assert len(minutes) == 13
    assert minutes[at(12)] == MINUTE_OF_A_TERAHASH / 4
    found = await answers(connection)
    assert [row[2] for row in found["worker_figures"] if row[0] == worker] == ["off"]
    assert [(event[6], event[7]) for event in found["events"]] == [
        ("stable", "created"),
        ("off", "disconnected"),
    ]


async def test_running_down_late_and_anew_give_the_same_minutes(
    connection: AsyncConnection[Any], intake: FakeIntake, donor: Donor
) -> None:
    """Created, changed at midnight and disconnected: in small cycles, after days of downtime, in
    chunks, and from scratch."""
    worker = await donor.create(at(700.125))
    await donor.change(worker, at(1_440), 3 * TERA)
    await donor.change(worker, at(2_880), 2 * TERA)
    await donor.disconnect(worker, at(3_001.9))
    await intake.flush([], stream=0)
    term = await Term.begin(connection)
    for stream in (*range(690, 720, 3), *range(1_430, 1_450, 2), *range(2_000, 3_100, 50)):
        await intake.flush([], stream=stream)
        await term.cycle()
    await intake.flush([], stream=4_000)
    await term.cycle()
    first = await answers(connection)
    minutes = await minutes_of(connection, worker)
    assert len(minutes) == 3_002 - 700
    assert minutes[at(1_439)] == MINUTE_OF_A_TERAHASH
    assert minutes[at(1_440)] == 3 * MINUTE_OF_A_TERAHASH
    for rows_per_chunk in (30_000, 77):
        await connection.execute(
            "truncate worker_minutes, entity_minutes, dirty_minutes, worker_statuses, "
            "window_blocks, entity_figures, status_counts, events, late_rollups, "
            "worker_15m_closed, worker_1h_closed, worker_1d_closed, "
            "entity_15m_closed, entity_1h_closed, entity_1d_closed cascade; "
            "update boundary_workers set minutes_to = null; "
            "update leader set stream_time = null, watermark = null; "
            "update closed_rollups set closed_to = null; "
            "update status_sweep set judged_to = null, resumed_at = null"
        )
        config = FiguresConfig(clock="records", boundary_rows_per_chunk=rows_per_chunk)
        again = await Term.begin(connection, config)
        await again.cycle()
        assert await answers(connection) == first


async def test_writing_the_minutes_again_changes_nothing(
    connection: AsyncConnection[Any], intake: FakeIntake, donor: Donor
) -> None:
    """A cursor put back, as by a database restored from a backup."""
    worker = await donor.create(at(0))
    await intake.flush([], stream=200)
    term = await Term.begin(connection)
    await term.cycle()
    before = await answers(connection)
    await connection.execute("update boundary_workers set minutes_to = %s", (at(20),))
    await term.cycle()
    assert await answers(connection) == before
    assert len(await minutes_of(connection, worker)) == 200


async def test_a_change_committed_too_late_to_be_seen_is_made_good(
    connection: AsyncConnection[Any], intake: FakeIntake, donor: Donor
) -> None:
    """The API takes its instant, the leader writes the minute, then the API commits. (Workers that
    are hours old: a new one is looked at again in any case.)"""
    kept, left = await donor.create(at(0)), await donor.create(at(0), name="other")
    just_left = await donor.create(at(0), name="last")
    await intake.flush([], stream=265)
    term = await Term.begin(connection)
    await term.cycle()
    await donor.change(kept, at(260), 5 * TERA)
    await donor.disconnect(left, at(262.5))
    await donor.disconnect(just_left, at(264.5))
    await intake.flush([], stream=266)
    await term.cycle()
    minutes = await minutes_of(connection, kept)
    assert minutes[at(259)] == MINUTE_OF_A_TERAHASH
    assert minutes[at(260)] == minutes[at(265)] == 5 * MINUTE_OF_A_TERAHASH
    minutes = await minutes_of(connection, left)
    assert minutes[at(262)] == MINUTE_OF_A_TERAHASH / 2
    assert max(minutes) == at(262)
    assert (await minutes_of(connection, just_left))[at(264)] == MINUTE_OF_A_TERAHASH / 2
    windows = await windows_of(connection, "worker_figures", left)
    assert windows["accepted_1d"] == pytest.approx(262.5 * MINUTE_OF_A_TERAHASH)
    assert windows["accepted_15m"] == pytest.approx(11.5 * MINUTE_OF_A_TERAHASH)
    found = await answers(connection)
    await intake.flush([], stream=266)
    await term.cycle()
    assert await answers(connection) == found
