"""The real ckpool log with other dates: exact at each age, once, and without a trace elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.imports.config import ImportConfig
from aggregator.intake.config import IntakeConfig
from ingest.history.ckpool import CkpoolHistory
from schemas.windows import DAY_S
from tests.integration.imports.importing import (
    LOG_BEGINS_S,
    NOW,
    imported,
    rows_of,
    shifted_log,
    stored_sums,
    true_sums,
)

LINES = 1_508
WIDTHS = {"minutes": 60, "15m": 900, "1h": 3_600, "1d": DAY_S}


@pytest.fixture(params=["plain", "timescale"])
def url(request: pytest.FixtureRequest) -> str:
    return str(
        request.getfixturevalue("database_url" if request.param == "plain" else "timescale_url")
    )


@pytest.fixture
async def connection(url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as opened:
        yield opened


def shift_to(at: datetime) -> int:
    """By how many whole minutes the log moves to begin at about `at`."""
    return (round(at.timestamp()) - LOG_BEGINS_S) // 60 * 60


@pytest.mark.parametrize(
    ("days_ago", "kept"),
    [
        (1, ("minutes", "15m", "1h", "1d")),
        (20, ("15m", "1h", "1d")),
        (365, ("1h", "1d")),
        (800, ("1d",)),
    ],
)
async def test_every_level_that_is_kept_has_ckpools_sums(
    connection: AsyncConnection[Any], tmp_path: Path, days_ago: int, kept: tuple[str, ...]
) -> None:
    by_s = shift_to(NOW - timedelta(days=days_ago))
    log = shifted_log(tmp_path / "log", by_s=by_s)
    # Several transactions, which add to the same buckets.
    summary = await imported(connection, CkpoolHistory(log), config=ImportConfig(rows_per_write=50))
    assert (summary.read, summary.counted, summary.is_complete) == (LINES, LINES, True)
    for level, width_s in WIDTHS.items():
        found = await stored_sums(connection, f"worker_{level}")
        wanted = true_sums(width_s, by_s=by_s) if level in kept else {}
        assert found.keys() == wanted.keys(), level
        for key, sums in found.items():
            assert sums == pytest.approx(wanted[key], rel=1e-12), (level, key)
    # Once more: nothing is new, and nothing counts twice.
    before = await rows_of(connection, "select * from worker_1d order by worker_id, bucket")
    again = await imported(connection, CkpoolHistory(log))
    assert (again.read, again.counted) == (0, 0)
    assert await rows_of(connection, "select * from worker_1d order by worker_id, bucket") == before
    entities = await rows_of(
        connection,
        "select sum(accepted), sum(rejected) from entity_1d "
        "where entity_id in (select id from miners)",
    )
    workers = await rows_of(connection, "select sum(accepted), sum(rejected) from worker_1d")
    assert entities[0] == pytest.approx(workers[0], rel=1e-12)
    assert await rows_of(connection, "select * from events") == []
    status = "removed" if days_ago > 30 else "off"
    assert await rows_of(connection, "select distinct status from worker_figures") == [(status,)]


async def test_a_log_that_reaches_past_the_boundary_is_read_on_when_it_moves(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    midnight = datetime(2026, 11, 28, tzinfo=UTC)
    by_s = shift_to(midnight - timedelta(minutes=10))
    log = shifted_log(tmp_path / "log", by_s=by_s)
    first = await imported(connection, CkpoolHistory(log), at=midnight + timedelta(hours=2))
    assert first.live_from_s == midnight.timestamp()
    assert first.live > 0
    assert not first.is_complete
    assert first.counted + first.live == LINES
    found = await stored_sums(connection, "worker_1d")
    assert {at_s for _, _, at_s in found} == {midnight.timestamp() - DAY_S}
    # A day later, and still nothing live: the rest is history by now.
    second = await imported(connection, CkpoolHistory(log), at=midnight + timedelta(hours=26))
    assert (second.counted, second.live) == (first.live, 0)
    found = await stored_sums(connection, "worker_1d")
    wanted = true_sums(DAY_S, by_s=by_s)
    assert found.keys() == wanted.keys()
    for key, sums in found.items():
        assert sums == pytest.approx(wanted[key], rel=1e-12)
    assert (await imported(connection, CkpoolHistory(log))).read == 0


async def test_unknown_accounts_and_bad_lines_are_refused_and_counted(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    log = shifted_log(tmp_path / "log", by_s=shift_to(NOW - timedelta(days=100)))
    path = next(iter(sorted(log.rglob("*.sharelog"))))
    with path.open("ab") as file:
        file.write(b'{"workername": "x", "diff": NaN}\nnothing\n')
    config = IntakeConfig(create_accounts=False)
    summary = await imported(connection, CkpoolHistory(log), intake=config)
    assert summary.refused["unknown_account"] == LINES
    assert summary.refused.total() == summary.read == LINES + 2
    assert not summary.is_complete
