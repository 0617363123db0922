"""A settlement that dies before any of its statements: the next run ends as if it had not."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.ledger.check import check
from tests.fixtures.postgres import NewDatabase
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool
from tests.integration.settlement.settling_process import killed_before

pytestmark = pytest.mark.postgres
# More than a day has statements: each day dies one statement later than the day before.
DAYS = 80
ONE_DAY = timedelta(days=1)


async def prepared(connection: AsyncConnection[Any]) -> SettledPool:
    """Four miners with fees and a sharing, the same work and rate on each day."""
    pool = SettledPool(connection)
    await pool.set_up()
    await connection.execute("update pools set fee = 0.02")
    farm = await pool.operator(0.01)
    miners = [await pool.miner(f"miner{n}", operator=farm) for n in range(4)]
    await connection.execute(
        "insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from, created_by)"
        " values (%s, %s, 'profit_sharing', 0.1, %s, 'test')",
        (miners[0], miners[1], DAY),
    )
    await connection.execute("update leader set watermark = '2027-12-01'")
    for number in range(DAYS):
        day = DAY + number * ONE_DAY
        await pool.rate(day, sat_per_difficulty=Fraction(1, 3))
        for extra, miner in enumerate(miners):
            await pool.work(miner, 100 + extra, day=day, operator=farm)
    return pool


async def test_killed_before_any_statement_the_next_run_ends_alike(
    connection: AsyncConnection[Any], database_url: str, new_database: NewDatabase
) -> None:
    pool = await prepared(connection)
    for number in count():
        now = LATER + number * ONE_DAY
        killed = killed_before(number, database_url, pool.pool, now)
        await pool.settle(now=now)
        if not killed:
            break
    assert number > 30
    assert await check(connection) == []
    with new_database() as url:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            undisturbed = await prepared(other)
            await undisturbed.settle(now=now)
            assert await pool.ledger() == await undisturbed.ledger()
