"""The wire server of the tests: what several clients of one session may rely on."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


async def test_clients_take_turns_and_keep_their_statements_apart(
    empty_timescale_url: str,
) -> None:
    async with AsyncConnectionPool(
        empty_timescale_url, min_size=3, max_size=3, open=False, kwargs={"prepare_threshold": 1}
    ) as pool:

        async def ask(number: int) -> int:
            async with pool.connection() as connection, connection.transaction():
                await connection.execute(
                    "select set_config('test.number', %s, true)", (str(number),)
                )
                cursor = await connection.execute("select current_setting('test.number')::int")
                row = await cursor.fetchone()
                assert row is not None
                return int(row[0])

        assert await asyncio.gather(*map(ask, range(30))) == list(range(30))


async def test_a_client_that_goes_away_leaves_nothing(empty_timescale_url: str) -> None:
    async with await AsyncConnection.connect(empty_timescale_url, autocommit=True) as other:
        await other.execute("create table kept (a int)")
        gone = await AsyncConnection.connect(empty_timescale_url)
        await gone.execute("insert into kept values (1)")
        await gone.close()
        cursor = await other.execute("select count(*) from kept")
        assert await cursor.fetchone() == (0,)


async def test_copy_goes_both_ways_in_both_drivers(empty_timescale_url: str) -> None:
    rows = [(number, f"name {number}") for number in range(5_000)]
    async with await AsyncConnection.connect(empty_timescale_url, autocommit=True) as connection:
        await connection.execute("create table pairs (a int, b text)")
        async with (
            connection.cursor() as cursor,
            cursor.copy("copy pairs from stdin (format binary)") as copy,
        ):
            copy.set_types(["int4", "text"])
            for row in rows[:2_500]:
                await copy.write_row(row)
    driver = await asyncpg.connect(empty_timescale_url)
    await driver.copy_records_to_table("pairs", records=rows[2_500:])
    assert [tuple(row) for row in await driver.fetch("select * from pairs order by a")] == rows
    await driver.close()
    with (
        psycopg.connect(empty_timescale_url) as connection_,
        connection_.cursor().copy("copy (select a from pairs order by a) to stdout") as out,
    ):
        assert [int(row[0]) for row in out.rows()] == [number for number, _ in rows]


async def test_an_error_ends_the_statement_and_not_the_client(empty_timescale_url: str) -> None:
    async with await AsyncConnection.connect(empty_timescale_url, autocommit=True) as connection:
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await connection.execute("select 1 / %s::int", (0,))
            with pytest.raises(psycopg.errors.UndefinedTable):
                async with connection.cursor() as cursor, cursor.copy("copy nothing from stdin"):
                    pass
        cursor = await connection.execute("select 1")
        assert await cursor.fetchone() == (1,)


@pytest.mark.skipif("TIMESCALE_URL" in os.environ, reason="a real server has many sessions")
async def test_one_open_transaction_makes_the_others_wait(empty_timescale_url: str) -> None:
    first = await AsyncConnection.connect(empty_timescale_url)
    second = await AsyncConnection.connect(empty_timescale_url, autocommit=True)
    await first.execute("create table seen (a int)")
    waiting = asyncio.ensure_future(second.execute("select to_regclass('seen') is not null"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    await first.commit()
    assert await (await waiting).fetchone() == (True,)
    await first.close()
    await second.close()
