"""A day is frozen, booked and corrected alike on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from aggregator.ledger.check import check
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool


@pytest.fixture(
    params=[
        pytest.param("database_url", marks=pytest.mark.postgres),
        pytest.param("timescale_url", marks=pytest.mark.timescale),
    ]
)
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[SettledPool]:
    url = request.getfixturevalue(request.param)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        pool = SettledPool(connection)
        await pool.set_up(fee=0.02)
        yield pool


async def compress(pool: SettledPool) -> None:
    """As TimescaleDB has minutes a few hours later; nothing on plain PostgreSQL."""
    if await pool.all("select from pg_extension where extname = 'timescaledb'"):
        await pool.connection.execute(
            "select compress_chunk(c) from show_chunks('worker_minutes') c"
        )


async def test_a_day_is_settled_from_compressed_minutes_and_corrected(pool: SettledPool) -> None:
    farm = await pool.operator(0.05)
    miners = [await pool.miner(f"miner{n}", operator=farm) for n in range(5)]
    for number, miner in enumerate(miners):
        await pool.work(miner, 1_000 * (number + 1), operator=farm)
        await pool.work(miner, 2.0**31, minute=1_439)
        await pool.work(miner, 7, day=DAY + timedelta(days=1))
        await pool.work(miner, 9, day=DAY - timedelta(days=1), minute=1_439)
    await compress(pool)
    await pool.rate()
    await pool.settle()
    gross = [1_000 * (number + 1) + 2**31 for number in range(5)]
    assert await pool.all("select gross_sat from settlement_rows order by miner_id") == [
        (one,) for one in gross
    ]
    late = miners[0]
    await pool.work(late, 50, minute=5)
    done = await pool.correct()
    assert (done.booked, done.gross_sat) == (1, 50)
    balances = await pool.balances()
    assert sum(balances.values()) == sum(gross) + 50
    assert balances[farm] == sum(50 * (number + 1) for number in range(5))
    assert await check(pool.connection) == []


async def test_days_follow_each_other(pool: SettledPool) -> None:
    alice = await pool.miner("alice")
    for number in range(3):
        day = DAY + timedelta(days=number)
        await pool.work(alice, 100, day=day)
        await pool.rate(day)
    await pool.connection.execute("update leader set watermark = '2026-12-01'")
    await pool.settle(now=LATER + timedelta(days=2))
    assert await pool.all("select day - %s, gross_sat from settlements order by day", DAY) == [
        (0, 100),
        (1, 100),
        (2, 100),
    ]
    assert await check(pool.connection) == []
