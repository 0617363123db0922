"""A new leader knows what the old one knew: rebuilt from the database, nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.figures.startup import list_minutes, unread_minutes
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, answers


def some_days(intake: FakeIntake, minutes: int) -> list[Work]:
    generator = random.Random(17)
    return [
        Work(
            generator.randrange(minutes),
            generator.choice(intake.workers),
            float(generator.randrange(2**40)),
            float(generator.randrange(9)),
            source=generator.choice((1, 2)),
        )
        for _ in range(900)
    ]


@pytest.mark.parametrize("minutes", [11_000, 2_777, 64])
async def test_restart_is_invisible(
    connection: AsyncConnection[Any], intake: FakeIntake, minutes: int
) -> None:
    old = await Term.begin(connection)
    work = some_days(intake, minutes)
    for end in (minutes // 2, minutes - 40, minutes - 3, minutes):
        await intake.flush([row for row in work if row.minute < end], stream=end + 0.4)
        work = [row for row in work if row.minute >= end]
        await old.cycle()
    before = await answers(connection)
    new = await Term.begin(connection)
    report = await new.cycle()
    assert report.rows_written == 0
    assert await answers(connection) == before
    assert old.state is not None
    assert new.state is not None
    order = old.state.indices_of(new.state.workers.columns.worker_id)
    np.testing.assert_array_equal(
        new.state.grid.totals(new.state.workers.count),
        old.state.grid.totals(old.state.workers.count)[:, :, order],
    )
    for name in ("last_share_s", "share_interval_s", "status", "source_id", "status_since_s"):
        mine, its = (
            getattr(new.state.workers.columns, name),
            getattr(old.state.workers.columns, name),
        )
        np.testing.assert_array_equal(mine, its[order])


async def test_old_and_new_leader_go_on_alike(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """The rings too are alike: what leaves the windows later leaves them in both."""
    old = await Term.begin(connection)
    work = some_days(intake, 4_000)
    await intake.flush([row for row in work if row.minute < 3_333], stream=3_333)
    await old.cycle()
    new = await Term.begin(connection)
    await new.cycle()
    assert old.state is not None
    assert new.state is not None
    order = old.state.indices_of(new.state.workers.columns.worker_id)
    for minute in range(3_334, 15_000, 97):
        for state in (old.state, new.state):
            state.grid.advance(int(at(minute).timestamp()) // 60)
        np.testing.assert_array_equal(
            new.state.grid.totals(new.state.workers.count),
            old.state.grid.totals(old.state.workers.count)[:, :, order],
        )


async def test_what_came_in_while_nobody_led_is_taken_in_first(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """Late and new minutes, listed before the restart, are in the first figures written."""
    undisturbed = await Term.begin(connection)
    work = some_days(intake, 3_000)
    await intake.flush([row for row in work if row.minute < 2_900], stream=2_900)
    await undisturbed.cycle()
    await intake.flush([Work(minute, 1, 77.0) for minute in (5, 500, 1_600, 2_880)])
    await intake.flush([Work(1_000, 2, 99.0)])
    await intake.flush([row for row in work if row.minute >= 2_900], stream=3_000)
    restarted = await Term.begin(connection)
    await restarted.cycle()
    found = await answers(connection)
    fresh = await Term.begin(connection)
    await fresh.cycle()
    assert await answers(connection) == found
    cursor = await connection.execute(
        "select sum(accepted) from worker_minutes where worker_id = 1 and bucket >= %s",
        (at(2_000 - 20),),
    )
    # Three hours whole and one in part: everything from minute 1,980 on is inside for certain.
    row = await cursor.fetchone()
    assert row is not None
    totals = dict(
        zip([row[0] for row in found["worker_figures"]], found["worker_figures"], strict=True)
    )
    assert totals[1][-2] >= row[0]


async def test_rebuilt_from_minutes_everything_is_as_it_was(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """`hashgauge rebuild`: rollups and entity minutes made anew, even after damage."""
    term = await Term.begin(connection)
    await intake.flush(some_days(intake, 2_000), stream=2_000)
    await term.cycle()
    before = await answers(connection)
    await connection.execute("delete from entity_minutes where entity_id = 1")
    await connection.execute(
        "update worker_15m_closed set accepted = 0; delete from worker_1h_closed"
    )
    listed = await list_minutes(connection, at(0), at(2_000))
    assert len(listed) == await unread_minutes(connection, at(0), at(2_000)) > 500
    await term.cycle()
    assert await unread_minutes(connection, at(0), at(2_000)) == 0
    assert await answers(connection) == before


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cycles can read and not write."""

    async def refused(*_: object) -> None:
        raise psycopg.errors.DiskFull

    with monkeypatch.context() as broken:
        broken.setattr("aggregator.figures.publish.snapshot.write", refused)
        yield


async def test_a_failed_cycle_is_made_up_for(
    connection: AsyncConnection[Any], intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    term = await Term.begin(connection)
    work = some_days(intake, 100)
    await intake.flush([row for row in work if row.minute < 60], stream=60)
    await term.cycle()
    await intake.flush([row for row in work if row.minute >= 60], stream=100)

    with full_disk(monkeypatch):
        for _ in range(3):
            with pytest.raises(psycopg.errors.DiskFull):
                await term.cycle()
    await term.cycle()
    found = await answers(connection)
    fresh = await Term.begin(connection)
    assert (await fresh.cycle()).rows_written == 0
    assert await answers(connection) == found
    numbers = [(event[3], event[4]) for event in found["events"]]
    assert len(numbers) == len(set(numbers)) > 0


async def test_more_failed_cycles_than_one_can_make_up_for_silence_nobody(
    connection: AsyncConnection[Any], intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for an hour, and a cycle may read ten minutes."""

    async def flush(minute: int) -> None:
        work = [Work(minute, worker, 5.0, source=1) for worker in intake.workers]
        await intake.flush(work, stream=minute + 1)

    config = FiguresConfig(clock="records", rows_per_cycle=10 * len(intake.workers))
    term = await Term.begin(connection, config)
    await flush(0)
    await term.cycle()
    with full_disk(monkeypatch):
        for minute in range(1, 60):
            await flush(minute)
            with pytest.raises(psycopg.errors.DiskFull):
                await term.cycle_once()
    await term.cycle()
    found = await answers(connection)
    assert [(event[4], event[6]) for event in found["events"]] == [(1, "stable")] * 4
    await (await Term.begin(connection)).cycle()
    assert await answers(connection) == found
