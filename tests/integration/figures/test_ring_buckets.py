"""Buckets that a leader keeps say what the rollups would: no restart shows which were read."""

from __future__ import annotations

import random
from typing import Any

import pytest
from psycopg import AsyncConnection

from aggregator.figures import ring_buckets, startup
from aggregator.figures.minutes.reader import WorkerSums
from aggregator.imports import write
from aggregator.postgres.lease import LeaseLostError
from aggregator.replay import rewind
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_term import Term, answers

DAY_MIN = 1_440


def some_work(intake: FakeIntake, minutes: int, rows: int) -> list[Work]:
    generator = random.Random(minutes)
    return [
        Work(
            generator.randrange(minutes),
            generator.choice(intake.workers),
            generator.random() * 2**33,
            float(generator.randrange(9)),
        )
        for _ in range(rows)
    ]


async def totals_of(term: Term) -> dict[int, list[float]]:
    """By worker, of the windows in memory."""
    state = term.state
    assert state is not None
    totals = state.grid.totals(state.workers.count)
    ids = state.workers.columns.worker_id.tolist()
    return {worker: totals[:, :, index].ravel().tolist() for index, worker in enumerate(ids)}


async def figures(connection: AsyncConnection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """To the last bit. Rollups of fractions change in it when they are stored: another order."""
    found = await answers(connection)
    return {name: found[name] for name in ("worker_figures", "entity_figures", "events")}


async def kept(connection: AsyncConnection[Any]) -> set[tuple[int, int]]:
    """Width and start, both in minutes."""
    cursor = await connection.execute(
        "select width_min, extract(epoch from start)::int8 / 60 from ring_buckets"
    )
    return set(await cursor.fetchall())


@pytest.fixture
def no_rollups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that begins must not need them."""

    async def refuse(*_: Any) -> WorkerSums:
        raise AssertionError("a rollup was read")

    monkeypatch.setattr(startup, "_rollup_rows", refuse)


async def a_leader(connection: AsyncConnection[Any], intake: FakeIntake, minutes: int) -> Term:
    """After so many minutes of work, in one cycle, with all buckets kept."""
    await intake.flush(some_work(intake, minutes, 900), stream=minutes + 0.4)
    term = await Term.begin(connection)
    await term.cycle()
    await term.keep_buckets()
    return term


@pytest.mark.usefixtures("no_rollups")
@pytest.mark.parametrize("minutes", [12_345, 1_500, 70])
async def test_a_restart_from_kept_buckets_is_invisible(
    connection: AsyncConnection[Any], intake: FakeIntake, minutes: int
) -> None:
    old = await a_leader(connection, intake, minutes)
    before = await figures(connection)
    new = await Term.begin(connection)
    report = await new.cycle()
    assert report.rows_written == 0
    assert await figures(connection) == before
    assert await totals_of(new) == await totals_of(old)
    # Hours later their oldest buckets leave the windows one by one.
    for later in (17, 200, 400, 1_700, 9_000):
        await intake.flush([], stream=minutes + later)
        await new.cycle()
        assert old.state is not None
        assert new.state is not None
        old.state.grid.advance(new.state.grid.watermark)
        assert await totals_of(new) == await totals_of(old)


async def test_a_late_share_drops_its_buckets_and_they_are_kept_anew(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    minutes = 9 * DAY_MIN
    old = await a_leader(connection, intake, minutes)
    everything = await kept(connection)
    # One in the day's ring, one in the week's, one that is older than all windows.
    late = [
        Work(minutes - 600, intake.workers[0], 0.5),
        Work(minutes - 5_000, intake.workers[1], 0.25),
        Work(7, intake.workers[2], 4.0),
    ]
    await intake.flush(late, stream=minutes + 1)
    await old.cycle()
    gone = everything - await kept(connection)
    assert sorted(width for width, _ in gone) == [30, 180]
    await (new := await Term.begin(connection)).cycle()
    assert await totals_of(new) == await totals_of(old)
    await old.lease.acquire(connection)
    await old.keep_buckets()
    assert await kept(connection) >= gone
    await (newest := await Term.begin(connection)).cycle()
    assert await totals_of(newest) == await totals_of(old)


async def test_only_the_leader_keeps_and_old_buckets_go(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    minutes = 3 * DAY_MIN
    term = await a_leader(connection, intake, minutes)
    before = await kept(connection)
    assert {width for width, _ in before} == {30, 180}
    await intake.flush([], stream=minutes + 9 * DAY_MIN)
    await term.cycle()
    await Term.begin(connection)
    with pytest.raises(LeaseLostError):
        await term.keep_buckets()
    assert await kept(connection) == before
    await term.lease.acquire(connection)
    await term.keep_buckets()
    assert not before & await kept(connection)
    assert term.state is not None
    wanted = ring_buckets.beyond_finer_rings(term.state.grid)
    assert await kept(connection) == {(width, width * number) for width, number in wanted}
    assert len(wanted) > 90


async def test_who_deposes_the_leader_drops_what_it_kept(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    for statements in (write.SQL, rewind.SQL):
        await a_leader(connection, intake, 3 * DAY_MIN)
        assert await kept(connection)
        await connection.execute(statements["depose_leader"].encode())
        assert not await kept(connection)
