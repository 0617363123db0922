"""Two who settle, or correct, at the same time: they take turns, and neither sees an error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from fractions import Fraction

import psycopg
import pytest

from aggregator.ledger.check import check
from tests.integration.settlement.settled_pool import SettledPool

pytestmark = pytest.mark.postgres


@contextlib.asynccontextmanager
async def another(url: str, pool: SettledPool, *, chunk: int) -> AsyncIterator[SettledPool]:
    """Another process's view of the pool."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield SettledPool(connection, pool=pool.pool, chunk=chunk)


@pytest.mark.parametrize("chunk", [1, 4, 100])
async def test_two_who_settle_at_once_write_one_ledger(
    pool: SettledPool, database_url: str, chunk: int
) -> None:
    miners = [await pool.miner(f"miner{number}") for number in range(9)]
    for number, miner in enumerate(miners):
        await pool.work(miner, 10 + number)
    await pool.rate(sat_per_difficulty=Fraction(10, 3))
    async with another(database_url, pool, chunk=chunk) as other, asyncio.TaskGroup() as tasks:
        for one in (pool, other):
            tasks.create_task(one.settle())
    assert await pool.balances() == {
        miner: (10 + number) * 10 // 3 for number, miner in enumerate(miners)
    }
    assert await pool.all("select count(*)::int from payments") == [(9,)]
    assert await check(pool.connection) == []


async def test_two_who_correct_at_once_book_one_correction(
    pool: SettledPool, database_url: str
) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 100)
    await pool.rate()
    await pool.settle()
    await pool.work(alice, 7, minute=1)
    async with another(database_url, pool, chunk=3) as other, asyncio.TaskGroup() as tasks:
        corrections = [tasks.create_task(one.correct()) for one in (pool, other)]
    assert sorted(one.result().booked for one in corrections) == [0, 1]
    assert await pool.balances() == {alice: 107}
    assert await check(pool.connection) == []


async def test_who_looks_at_a_day_waits_for_nobody(pool: SettledPool, database_url: str) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 100)
    await pool.rate()
    await pool.settle()
    async with another(database_url, pool, chunk=3) as other, pool.transaction():
        async with asyncio.timeout(60):
            assert await other.balances() == {alice: 100}
