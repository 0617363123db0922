"""Cycles against the database: figures are what the minutes say, however they came in."""

from __future__ import annotations

import random
from typing import Any

import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import WINDOW_COLUMNS, Term, answers, windows_of

SPANS = {"15m": (15, 1), "1h": (60, 1), "1d": (1_440, 30), "1w": (10_080, 180)}


def expected_windows(work: list[Work], watermark: int) -> dict[str, float]:
    """The definition of design.md over a list of minutes."""
    windows = {}
    for name, (span, width) in SPANS.items():
        for side in ("accepted", "rejected"):
            total = 0.0
            for row in work:
                bucket = row.minute - row.minute % width
                inside = bucket + width - max(bucket, watermark - span)
                if inside > 0 and row.minute < watermark:
                    total += getattr(row, side) * inside / width
            windows[f"{side}_{name}"] = total
    return windows


@pytest.mark.parametrize("merge_at_once_workers", [1_000, 0], ids=["at once", "when over"])
async def test_windows_follow_the_minutes(
    connection: AsyncConnection[Any], intake: FakeIntake, merge_at_once_workers: int
) -> None:
    generator = random.Random(5)
    config = FiguresConfig(clock="records", merge_at_once_workers=merge_at_once_workers)
    term, written = await Term.begin(connection, config), []
    now = 0
    for step in (1, 2, 14, 44, 1, 130, 1, 1_300, 3, 8_700, 1, 700):
        work = [
            Work(now + generator.randrange(step), worker, float(generator.randrange(2**40)), 3.0)
            for worker in intake.workers
            for _ in range(3)
        ]
        now += step
        await intake.flush(work, stream=now + 0.5)
        written += work
        report = await term.cycle()
        assert report.watermark * 60 == int(at(now).timestamp())
        for worker in intake.workers:
            own = [row for row in written if row.worker == worker]
            assert await windows_of(connection, "worker_figures", worker) == pytest.approx(
                expected_windows(own, now), rel=1e-12
            )
        pool = expected_windows(written, now)
        assert await windows_of(connection, "entity_figures", 1) == pytest.approx(pool, rel=1e-12)


@pytest.mark.parametrize(("merge_at_once_workers", "waiting"), [(4, 0), (3, 4)])
async def test_minute_in_progress_of_many_new_workers_waits(
    connection: AsyncConnection[Any],
    intake: FakeIntake,
    merge_at_once_workers: int,
    waiting: int,
) -> None:
    """The leader knows none of them yet: a million first shares would be written twice."""
    config = FiguresConfig(clock="records", merge_at_once_workers=merge_at_once_workers)
    term = await Term.begin(connection, config)
    await intake.flush([Work(3, worker, 64.0) for worker in intake.workers], stream=3.5)
    await term.cycle()
    cursor = await connection.execute("select count(*) from flushed_minutes")
    assert (len(intake.workers), await cursor.fetchone()) == (4, (waiting,))
    await intake.flush([], stream=4.5)
    await term.cycle()
    cursor = await connection.execute("select count(*) from flushed_minutes")
    assert await cursor.fetchone() == (0,)


async def test_late_work_counts_in_every_window(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """Both as a whole minute and as single workers, within and beyond every ring."""
    term = await Term.begin(connection)
    now = 2_900
    written = [Work(minute, worker, 64.0) for minute in (5, now - 3) for worker in intake.workers]
    await intake.flush(written, stream=now)
    await term.cycle()
    for age in (1, 31, 59, 75, 600, 1_399, 1_441, 2_000, 2_879):
        named, whole = Work(now - age, 1, 128.0, 1.0), Work(now - age, 2, 256.0)
        await intake.flush([named])
        await term.cycle()
        await intake.flush([whole])
        await intake.list_whole(now - age)
        written += [named, whole]
    await term.cycle()
    for worker in (1, 2, 3):
        own = [row for row in written if row.worker == worker]
        assert await windows_of(connection, "worker_figures", worker) == expected_windows(own, now)


async def test_chart_and_stats_say_the_same(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    for now in range(1, 70):
        await intake.flush(
            [Work(now - 1, worker, 0.1 * worker * now, 0.3) for worker in intake.workers],
            stream=now,
        )
    await term.cycle()
    for entity in (1, 2, 3, 4):
        cursor = await connection.execute(
            "select sum(accepted), sum(rejected) from entity_minutes "
            "where entity_id = %s and bucket >= %s and bucket < %s",
            (entity, at(9), at(69)),
        )
        accepted, rejected = await cursor.fetchone() or (None, None)
        windows = await windows_of(connection, "entity_figures", entity)
        assert windows["accepted_1h"] == pytest.approx(accepted, rel=1e-12)
        assert windows["rejected_1h"] == pytest.approx(rejected, rel=1e-12)


async def test_minute_in_progress_is_not_in_the_figures_and_stays_listed(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    await intake.flush([Work(0, 1, 10.0), Work(1, 1, 7.0), Work(2, 1, 5.0)], stream=1.5)
    await term.cycle()
    assert (await windows_of(connection, "worker_figures", 1))["accepted_15m"] == 10.0
    cursor = await connection.execute("select bucket from dirty_minutes order by bucket")
    assert [bucket for (bucket,) in await cursor.fetchall()] == [at(1), at(2)]
    cursor = await connection.execute(
        "select count(*) from entity_minutes where bucket > %s", (at(0),)
    )
    assert await cursor.fetchone() == (0,)
    for relation in ("worker_15m", "entity_15m where entity_id = 1", "worker_1d"):
        cursor = await connection.execute(f"select sum(accepted) from {relation}".encode())
        assert await cursor.fetchone() == (10.0,), "every rollup ends where the figures do"


async def test_one_jump_tells_what_many_steps_told(
    database_url: str, connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """Hours in one cycle, in a few, in many, in pieces of bounded size: all rows are the same."""
    generator = random.Random(11)
    silent = {1: range(100, 160), 2: range(150, 480), 3: range(0)}
    hours = [
        Work(minute, worker, float(generator.randrange(1, 1_000)), second=generator.randrange(60))
        for minute in range(480)
        for worker, gap in silent.items()
        if minute not in gap and generator.random() < 0.8
    ]
    term = await Term.begin(connection)
    first = await term.cycle_over(intake, hours, step=480)
    assert len([event for event in first["events"] if event[6] == "unavailable"]) >= 2
    bounded = FiguresConfig(clock="records", rows_per_cycle=200)
    for step, config in ((7, None), (97, None), (480, bounded)):
        await connection.execute(
            "truncate worker_minutes, entity_minutes, dirty_minutes, worker_statuses, "
            "window_blocks, entity_figures, status_counts, events, late_rollups, "
            "worker_15m_closed, worker_1h_closed, worker_1d_closed, "
            "entity_15m_closed, entity_1h_closed, entity_1d_closed, source_figures cascade; "
            "update leader set stream_time = null, watermark = null; "
            "update closed_rollups set closed_to = null; "
            "update intake_partitions set stream_time = null; "
            "update status_sweep set judged_to = null, resumed_at = null"
        )
        again = await Term.begin(connection, config)
        assert await again.cycle_over(intake, hours, step=step) == first


async def test_an_idle_worker_is_not_written_again(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    await intake.flush([Work(0, worker, 8.0) for worker in intake.workers], stream=1)
    assert (await term.cycle()).rows_written == 4
    assert (await term.cycle()).rows_written == 0
    await intake.flush([Work(1, 1, 8.0)], stream=2)
    assert (await term.cycle()).rows_written == 1


async def test_rejected_work_alone_shows_without_making_a_worker_stable(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    await intake.flush([Work(0, 1, 0.0, 9.0)], stream=1)
    await term.cycle()
    windows = await windows_of(connection, "worker_figures", 1)
    assert windows == {name: 9.0 if name.startswith("rejected") else 0.0 for name in WINDOW_COLUMNS}
    assert (await answers(connection))["events"] == []
    restarted = await Term.begin(connection)
    await intake.flush([Work(1, 1, 5.0)], stream=2)
    await restarted.cycle()
    events = (await answers(connection))["events"]
    assert [(event[4], event[5], event[6], event[7]) for event in events] == [
        (1, None, "stable", "first_share")
    ]


async def test_removal_by_hand_and_return(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    await intake.flush([Work(0, worker, 8.0) for worker in intake.workers], stream=1)
    await term.cycle()
    await connection.execute("insert into worker_removals (worker_id) values (1)")
    await term.cycle()
    found = await answers(connection)
    assert found["worker_figures"][0][2] == "removed"
    assert (1, "removed", 1) in found["status_counts"]
    cursor = await connection.execute("select count(*) from worker_removals")
    assert await cursor.fetchone() == (0,)
    await intake.flush([Work(1, 1, 8.0)], stream=2)
    await term.cycle()
    assert (await answers(connection))["worker_figures"][0][2] == "stable"


async def test_many_late_minutes_do_not_hold_up_the_fresh_ones(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """A stratum server sends the log of a day: figures stay as fresh as they were."""
    config = FiguresConfig(clock="records", rows_per_cycle=3 * len(intake.workers))
    term = await Term.begin(connection, config)
    await intake.flush([Work(2_000, worker, 5.0) for worker in intake.workers], stream=2_001)
    await term.cycle()
    await intake.flush([Work(minute, 1, 7.0) for minute in range(1_000, 1_040)])
    await intake.flush([Work(2_001, worker, 6.0) for worker in intake.workers], stream=2_002)
    report = await term.cycle_once()
    assert (report.watermark, report.more_to_read) == (at(2_002).timestamp() // 60, True)
    assert (await windows_of(connection, "worker_figures", 1))["accepted_15m"] == 11.0
    # More than the budget every minute: late ones get their turn all the same.
    for minute in range(2_002, 2_060):
        await intake.flush(
            [Work(minute, worker, 6.0) for worker in intake.workers], stream=minute + 1
        )
        await term.cycle_once()
    cursor = await connection.execute("select count(*) from dirty_minutes")
    assert await cursor.fetchone() == (0,)
    assert (await windows_of(connection, "worker_figures", 1))["accepted_1d"] == pytest.approx(
        5.0 + 59 * 6.0 + 40 * 7.0
    )
