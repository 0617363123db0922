"""A database made by the first released schema comes to the current one, with all that is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection, sql

from aggregator.figures.rollups.database_kind import DatabaseKind
from aggregator.figures.rollups.store import Dirty, Policies, open_rollups
from deploy.database import migrate as runner
from deploy.database.migrate import migrate

V1 = Path(__file__).parents[2] / "data" / "schema_v1"
FIRST_DAY_S = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())

DATA_TABLES = {
    line.split()[2]
    for line in (V1 / "data.sql").read_text("utf-8").splitlines()
    if line.startswith("insert into")
}

Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(
    params=[
        pytest.param(DatabaseKind.PLAIN, marks=pytest.mark.postgres),
        pytest.param(DatabaseKind.TIMESCALE, marks=pytest.mark.timescale),
    ]
)
def first_release(request: pytest.FixtureRequest) -> str:
    """URL of a database as `hashgauge migrate` of the first release left it, with data."""
    name = {DatabaseKind.PLAIN: "empty_database_url", DatabaseKind.TIMESCALE: "empty_timescale_url"}
    url: str = request.getfixturevalue(name[request.param])
    migrate(url, to=5, folder=V1 / "migrations")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((V1 / "data.sql").read_bytes())
    return url


def contents(connection: Connection[Any], like: Tables | None = None) -> Tables:
    """Table → names of its columns, then its rows; of the columns in `like` where that has it."""
    names = connection.execute(
        "select relname::text, array_agg(attname::text order by attnum) "
        "from pg_attribute join pg_class on pg_class.oid = attrelid "
        "where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') "
        "and attnum > 0 and not attisdropped and relname <> 'schema_migrations' group by 1"
    ).fetchall()
    found: Tables = {}
    for table, columns in names:
        known = columns if like is None else like.get(table, [()])[0]
        wanted = [name for name in known if name in columns]
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, wanted)), sql.Identifier(table)
        )
        rows = connection.execute(query).fetchall()
        found[table] = [tuple(wanted), *sorted(rows, key=repr)]
    return found


def test_every_row_of_the_first_release_survives(first_release: str) -> None:
    with psycopg.connect(first_release, autocommit=True) as connection:
        before = contents(connection)
        bookmarks = connection.execute("select user_uid, token from watcher_bookmarks").fetchall()
        assert all(len(rows) > 1 for table, rows in before.items() if table in DATA_TABLES), before
        report = migrate(first_release)
        after = contents(connection, like=before)
        named = "select user_uid, token from watcher_bookmarks join watchers on id = watcher_id"
        assert connection.execute(named).fetchall() == bookmarks
    assert report.version == runner.expected_version()
    # One rule for every channel since migration 0013: Telegram's lines are lines of alerts, and
    # the two cursors are one. A bookmark names its link by id since 0021. The sequence of events
    # has a table of its own since 0039.
    changed = {"telegram_lines", "publisher_cursors", "watcher_bookmarks", "publisher"}
    kept = [table for table in before if table not in changed]
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}


def test_events_that_wait_for_a_number_get_it(first_release: str) -> None:
    with psycopg.connect(first_release, autocommit=True) as connection:
        connection.execute(
            "insert into events (event_id, kind, at, miner_id, worker_id, cause)"
            " select gen_random_uuid(), 'worker-status-changed', now(), 3, 2, 'share'"
            " from generate_series(1, 2)"
        )
        migrate(first_release)
        rows = connection.execute("select sequence from events order by id").fetchall()
        assert [sequence for (sequence,) in rows] == [1, 2, 3]
        assert connection.execute("select newest from event_sequence").fetchall() == [(3,)]


async def test_rollups_work_after_the_upgrade(first_release: str) -> None:
    migrate(first_release)
    minutes = range(FIRST_DAY_S, FIRST_DAY_S + 2 * 86_400, 60)
    async with await AsyncConnection.connect(first_release, autocommit=True) as connection:
        store = await open_rollups(connection, Policies())
        async with connection.transaction():
            await store.refresh(connection, [Dirty(minute_s) for minute_s in minutes])
        while await store.settle(connection, watermark_s=minutes.stop):
            pass
        cursor = await connection.execute(
            "select accepted_count, rejected, stale, invalid from worker_1d "
            "where worker_id in (1, 4) order by worker_id, bucket"
        )
        # 206 minutes of the first day and 103 of the second, three shares and a reject in each.
        first, second = (206, 206 * 4096.0), (103, 103 * 4096.0)
        assert await cursor.fetchall() == [
            *[(3 * count, work, work, None) for count, work in (first, second)],
            *[(3 * count, work, None, work) for count, work in (first, second)],
        ]
