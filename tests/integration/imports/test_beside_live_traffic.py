"""An import beside a leader that works: windows, events, settlement and replays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.intake.partitions.offsets import Stream
from aggregator.postgres.lease import LeaseLostError
from aggregator.replay.rewind import rewind
from ingest.errors import FatalError
from ingest.history.hourly import HourlyHistory
from schemas.runtime.named_sql import load
from tests.integration.figures.fake_intake import START, FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, windows_of
from tests.integration.imports.importing import imported, rows_of

NOW = START + timedelta(hours=3)
"""Live since 00:10 of the day that begins at START."""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        yield opened


def hours(folder: Path, *rows: tuple[str, str, timedelta, float]) -> HourlyHistory:
    """(account, worker, before START, accepted)"""
    path = folder / f"hours{len(list(folder.iterdir()))}.csv"
    lines = ["account,worker,hour,accepted"]
    lines += [f"{a},{w},{START - ago:%Y-%m-%dT%H:%M:%SZ},{sums}" for a, w, ago, sums in rows]
    path.write_text("\n".join(lines))
    return HourlyHistory([path])


async def live_leader(connection: AsyncConnection[Any]) -> tuple[FakeIntake, Term]:
    intake = FakeIntake(connection)
    await intake.set_up()
    await connection.execute("update intake_partitions set last_offset = 1, caught_up = true")
    term = await Term.begin(connection)
    await intake.flush([Work(minute, 1, 10.0) for minute in range(10, 180)], stream=180)
    await term.cycle()
    return intake, term


async def test_windows_have_the_history_that_reaches_into_them(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    intake, old = await live_leader(connection)
    events = await rows_of(connection, "select * from events order by id")
    summary = await imported(
        connection,
        hours(
            tmp_path,
            ("miner0", "rig0", timedelta(hours=1), 601.0),  # by the minute
            ("miner0", "rig0", timedelta(hours=23), 7_000.0),  # its hour has left the last day
            ("miner0", "rig0", timedelta(days=5), 50_000.0),  # in rollups alone
            ("miner0", "rig0", timedelta(days=9), 1_000_000.0),  # before the week
            ("miner0", "gone", timedelta(days=2), 800.0),
        ),
        at=NOW,
    )
    assert (summary.counted, summary.is_complete) == (5, True)
    assert summary.live_from_s == START.timestamp()
    with pytest.raises(LeaseLostError):
        await old.cycle()
    new = await Term.begin(connection)
    await new.cycle()
    live = 170 * 10.0
    figures = await windows_of(connection, "worker_figures", 1)
    assert figures["accepted_1h"] == 600.0
    assert figures["accepted_1d"] == live + 601.0
    assert figures["accepted_1w"] == live + 601.0 + 7_000.0 + 50_000.0
    pool = await windows_of(connection, "entity_figures", 1)
    assert pool["accepted_1w"] == figures["accepted_1w"] + 800.0
    assert await rows_of(connection, "select * from events order by id") == events
    statuses = dict(
        await rows_of(
            connection, "select name, status from worker_figures join workers on id = worker_id"
        )
    )
    assert statuses == {"rig0": "stable", "gone": "off"}
    assert await rows_of(
        connection, "select status, workers from status_counts where entity_id = 1 and workers > 0"
    ) == [("stable", 1), ("off", 1)]
    # A worker of the past that comes back is one that shares for the first time.
    row = (await rows_of(connection, "select id, miner_id from workers where name = 'gone'"))[0]
    intake._miner_of[row[0]] = (row[1], None)
    await intake.flush([Work(181, row[0], 5.0)], stream=183)
    await new.cycle()
    assert (await rows_of(connection, "select from_status, to_status, cause from events"))[-1] == (
        None,
        "stable",
        "first_share",
    )


async def test_late_live_shares_add_to_imported_minutes(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    intake, _ = await live_leader(connection)
    await imported(
        connection, hours(tmp_path, ("miner0", "rig0", timedelta(hours=1), 600.0)), at=NOW
    )
    new = await Term.begin(connection)
    await intake.flush([Work(-30, 1, 5.0), Work(-30, 2, 7.0)], stream=184)
    await new.cycle()
    assert await rows_of(
        connection, f"select accepted from worker_1h where bucket = '{at(-60)}' order by worker_id"
    ) == [(605.0,), (7.0,)]
    assert await rows_of(
        connection, f"select accepted from entity_1h where bucket = '{at(-60)}' and entity_id = 1"
    ) == [(612.0,)]


async def test_hours_since_the_first_live_day_are_left_to_the_live_topic(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    await live_leader(connection)
    history = hours(
        tmp_path,
        ("miner0", "rig0", timedelta(hours=1), 60.0),
        ("miner0", "rig0", timedelta(0), 60.0),
        ("miner0", "rig1", -timedelta(hours=1), 60.0),
    )
    summary = await imported(connection, history, at=NOW)
    assert (summary.counted, summary.live, summary.is_complete) == (1, 2, False)
    await imported(connection, history, at=NOW + timedelta(days=5))
    assert await rows_of(connection, "select count(*) from worker_1d") == [(2,)]


async def test_another_export_with_the_same_hours_adds_the_new_ones_only(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    rows = [("anna", "a", timedelta(hours=ago), 100.0 + ago) for ago in range(1, 2_000, 7)]
    await imported(connection, hours(tmp_path, *rows[::2]), at=NOW)
    summary = await imported(connection, hours(tmp_path, *reversed(rows)), at=NOW)
    assert summary.known == len(rows[::2])
    found = await rows_of(connection, "select sum(accepted) from worker_1d")
    assert found == [(sum(accepted for *_, accepted in rows),)]


async def test_imported_days_are_never_settled(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    await live_leader(connection)
    await imported(
        connection, hours(tmp_path, ("miner0", "rig0", timedelta(hours=30), 60.0)), at=NOW
    )
    for first in (None, date(2026, 2, 1)):
        assert await next_to_freeze(connection, first) == START.date()
    assert await next_to_freeze(connection, date(2026, 3, 5)) == date(2026, 3, 5)


async def next_to_freeze(connection: AsyncConnection[Any], first: date | None) -> date:
    sql = load("aggregator.settlement", "sql/days.sql")["next_to_freeze"]
    row = await (await connection.execute(sql, {"first_day": first})).fetchone()
    assert row is not None
    found: date = row[0]
    return found


async def test_minutes_that_no_topic_could_give_back_are_not_recounted(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    await live_leader(connection)
    await imported(
        connection, hours(tmp_path, ("miner0", "rig0", timedelta(hours=1), 60.0)), at=NOW
    )
    with pytest.raises(FatalError, match="imported"):
        await rewind(connection, Stream("c", "shares"), {}, since=START - timedelta(hours=2))
    assert await rows_of(connection, "select sum(accepted) from worker_minutes") == [(1_760.0,)]


async def test_before_the_first_live_share_figures_reach_to_the_boundary(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    await imported(connection, hours(tmp_path, ("anna", "a", timedelta(hours=1), 60.0)), at=NOW)
    assert await rows_of(connection, "select watermark, stream_time from leader") == [
        (START, START)
    ]
