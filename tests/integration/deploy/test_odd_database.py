"""A database and a role with settings of their own: sessions pin what they rely on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from deploy.settings.database_address import asyncpg_address, psycopg_address
from query_api.config import DatabaseConfig
from query_api.database import Database

ODD = {
    "datestyle": "German, DMY",
    "timezone": "Asia/Tokyo",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-4",
    "search_path": "pg_catalog",
    "default_transaction_read_only": "on",
    "statement_timeout": "20ms",
    "client_encoding": "LATIN1",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "idle_session_timeout": "300ms",
    "lock_timeout": "1ms",
    "standard_conforming_strings": "off",
}


@pytest.fixture(params=["database", "role"])
def odd_url(database_url: str, request: pytest.FixtureRequest) -> str:
    """Odd settings of the database, or of the role in it, which go before those."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        whose = sql.SQL("database {}").format(database)
        if request.param == "role":
            role = sql.Identifier(connection.info.user)
            whose = sql.SQL("role {} in database {}").format(role, database)
        for setting, value in ODD.items():
            statement = sql.SQL("alter {} set {} to {}")
            connection.execute(statement.format(whose, sql.Identifier(setting), sql.Literal(value)))
    return database_url


def test_without_the_pins_it_is_odd(odd_url: str) -> None:
    with psycopg.connect(odd_url) as connection:
        assert connection.execute("show timezone").fetchone() == ("Asia/Tokyo",)


def test_the_write_side_reads_and_writes(odd_url: str) -> None:
    at = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    with psycopg.connect(psycopg_address(odd_url)) as connection:
        connection.execute("update leader set watermark = %s", (at,))
        row = connection.execute(
            "select watermark, watermark::text, 0.1::float8::text, interval '1 day'::text, "
            r"'\x00ff'::bytea::text, pg_sleep(0.1)::text, '{NULL}'::text[], (null = null), 'rig ħ' "
            "from leader"
        ).fetchone()
        connection.commit()
        time.sleep(0.5)
        connection.execute("select 1")
    kept = (at, "2026-03-02 23:59:00+00", "0.1", "1 day", "\\x00ff", "", [None], None, "rig ħ")
    assert row == kept


async def test_the_api_reads_the_same(odd_url: str) -> None:
    database = Database(DatabaseConfig(url=asyncpg_address(odd_url)))
    await database.open()
    try:
        row = await database.fetch_row(
            "select timestamptz '2026-03-02 23:59+00'::text as at, count(*) as pools, "
            "0.1::float8::text as tenth, '{NULL}'::text[] as nothing, 'rig ħ' as name from pools"
        )
    finally:
        await database.close()
    assert row is not None
    assert dict(row) == {
        "at": "2026-03-02 23:59:00+00",
        "pools": 0,
        "tenth": "0.1",
        "nothing": [None],
        "name": "rig ħ",
    }
