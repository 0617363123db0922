"""A database made by the first released schema comes to the current one, with all that is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection, sql

from aggregator.figures.flavour import Flavour
from aggregator.figures.rollups import Policies, Touched, open_rollups
from deploy import migrate as runner
from deploy.migrate import migrate

V1 = Path(__file__).parents[1] / "data" / "schema_v1"
FIRST_DAY_S = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())

DATA_TABLES = {
    line.split()[2]
    for line in (V1 / "data.sql").read_text("utf-8").splitlines()
    if line.startswith("insert into")
}

Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(
    params=[
        pytest.param(Flavour.PLAIN, marks=pytest.mark.postgres),
        pytest.param(Flavour.TIMESCALE, marks=pytest.mark.timescale),
    ]
)
def first_release(request: pytest.FixtureRequest) -> str:
    """URL of a database as `hashgauge migrate` of the first release left it, with data."""
    name = {Flavour.PLAIN: "empty_database_url", Flavour.TIMESCALE: "empty_timescale_url"}
    url: str = request.getfixturevalue(name[request.param])
    migrate(url, to=3, folder=V1 / "migrations")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((V1 / "data.sql").read_bytes())
    return url


def contents(connection: Connection[Any], like: Tables | None = None) -> Tables:
    """Table → names of its columns, then its rows; of the columns in `like` where that has it."""
    names = connection.execute(
        "select relname::text, array_agg(attname::text order by attnum) "
        "from pg_attribute join pg_class on pg_class.oid = attrelid "
        "where relnamespace = 'public'::regnamespace and relkind = 'r' "
        "and attnum > 0 and not attisdropped and relname <> 'schema_migrations' group by 1"
    ).fetchall()
    found: Tables = {}
    for table, columns in names:
        wanted = columns if like is None else list(like.get(table, [()])[0])
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, wanted)), sql.Identifier(table)
        )
        rows = connection.execute(query).fetchall()
        found[table] = [tuple(wanted), *sorted(rows, key=repr)]
    return found


def test_every_row_of_the_first_release_survives(first_release: str) -> None:
    with psycopg.connect(first_release, autocommit=True) as connection:
        before = contents(connection)
        assert all(len(rows) > 1 for table, rows in before.items() if table in DATA_TABLES), before
        report = migrate(first_release)
        after = contents(connection, like=before)
    assert report.version == runner.expected_version()
    assert {table: after[table] for table in before} == before


async def test_rollups_work_after_the_upgrade(first_release: str) -> None:
    migrate(first_release)
    minutes = range(FIRST_DAY_S, FIRST_DAY_S + 2 * 86_400, 60)
    async with await AsyncConnection.connect(first_release, autocommit=True) as connection:
        store = await open_rollups(connection, Policies())
        async with connection.transaction():
            await store.refresh(connection, [Touched(minute_s) for minute_s in minutes])
        while await store.settle(connection, complete_to_s=minutes.stop):
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
