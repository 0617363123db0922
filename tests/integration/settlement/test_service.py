"""The automatic run: follows a chain, settles what is due, corrects within a limit, takes over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from psycopg_pool import AsyncConnectionPool

from aggregator.chain.config import ChainConfig
from aggregator.chain.source import BlockSource, SimulatedSource
from aggregator.ledger.check import check
from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.service import Settlement
from deploy.database.roles import AGGREGATOR
from schemas.addresses.bitcoin import BitcoinNetwork
from schemas.runtime.clock import ManualClock
from schemas.runtime.metrics import PREFIX
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool

pytestmark = pytest.mark.postgres
CONFIG = SettlementConfig(first_day=DAY, poll_s=0.02, retry_s=0.05, lease_s=0.6)
CHAIN = ChainConfig(simulated=True, blocks_back=400)
PETAHASHES = 10**15 * 86_400 / 2**32
"""Accepted difficulty of a day at 1 PH/s."""
ONE_DAY = timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(round(LATER.timestamp() * 1_000))


@contextlib.asynccontextmanager
async def settling(
    url: str, clock: ManualClock, config: SettlementConfig = CONFIG
) -> AsyncIterator[asyncio.Task[None]]:
    """One process's service on a made-up chain."""

    @contextlib.asynccontextmanager
    async def source() -> AsyncIterator[BlockSource]:
        yield SimulatedSource(
            lambda: clock.now_ms() / 1_000,
            difficulty=CHAIN.simulated_difficulty,
            network=BitcoinNetwork.MAINNET,
        )

    stop = asyncio.Event()
    connections: AsyncConnectionPool[Any] = AsyncConnectionPool(
        under(AGGREGATOR, url), min_size=1, max_size=2, timeout=1, open=False
    )
    async with connections:
        service = Settlement(config, CHAIN, connections, clock, source)
        running = asyncio.create_task(service.run(stop))
        try:
            yield running
        finally:
            stop.set()
            await running


async def booked(pool: SettledPool, days: int) -> bool:
    found = await pool.one("select count(*)::int from settlements where state = 'booked'")
    return bool(found == days)


async def test_days_are_settled_as_they_come_due(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, PETAHASHES)
    await pool.work(alice, PETAHASHES / 2, day=DAY + ONE_DAY)
    async with settling(database_url, clock):
        await until(lambda: booked(pool, 1))
        waits = "select waits_for = '2026-11-28 10:10 UTC' from settlement_leader"
        await until(lambda: pool.one(waits))
        await pool.connection.execute("update leader set watermark = watermark + '1 day'")
        clock.advance(86_400)
        await until(lambda: booked(pool, 2))
    first, second = await pool.payments(alice)
    rates = await pool.all("select scheme, jsonb_array_length(blocks) from reward_rates")
    assert rates == [("fpps", 144), ("fpps", 144)]
    # 450 BTC a day for 110 T of difficulty: 1 PH/s has about 0.00058 BTC with fees.
    assert 40_000 < first[2] < 80_000
    assert abs(first[2] - 2 * second[2]) < first[2] / 100
    assert await check(pool.connection) == []


async def test_late_work_is_corrected_by_itself_up_to_the_limit(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    alice, bob = await pool.miner("alice"), await pool.miner("bob")
    await pool.work(alice, PETAHASHES)
    await pool.work(bob, PETAHASHES, day=DAY + ONE_DAY)
    await pool.work(bob, PETAHASHES, day=DAY + 2 * ONE_DAY)
    async with settling(database_url, clock, replace(CONFIG, correct_up_to_sat=1_000)):
        await until(lambda: booked(pool, 1))
        await pool.work(alice, PETAHASHES / 1_000, minute=1)
        await pool.connection.execute("update leader set watermark = watermark + '1 day'")
        clock.advance(86_400)
        await until(lambda: booked(pool, 2))
        await until(lambda: pool.all("select from payments where corrects is not null"))
        # Too much for nobody to look at: it waits for `hashgauge settle --correct`.
        await pool.work(alice, PETAHASHES, minute=2)
        await pool.connection.execute("update leader set watermark = watermark + '1 day'")
        clock.advance(86_400)
        await until(lambda: booked(pool, 3))
    assert len(await pool.payments(alice)) == 2
    assert (await pool.correct()).booked == 1
    assert await check(pool.connection) == []


async def test_another_process_takes_over_and_books_nothing_twice(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    await pool.work(await pool.miner("alice"), PETAHASHES)
    second = contextlib.AsyncExitStack()
    async with settling(database_url, clock, replace(CONFIG, holder="first")):
        await until(lambda: booked(pool, 1))
        await second.enter_async_context(
            settling(database_url, clock, replace(CONFIG, holder="second"))
        )
    async with second:
        holder = "select holder = 'second' from settlement_leader"
        await until(lambda: pool.one(holder))
        await pool.connection.execute("update leader set watermark = watermark + '1 day'")
        clock.advance(86_400)
        await until(lambda: booked(pool, 2))
    assert await pool.all("select count(*)::int from payments") == [(1,)]


async def test_a_chain_that_is_not_there_leaves_the_day_waiting(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    await pool.work(await pool.miner("alice"), PETAHASHES)
    clock.advance(-86_400 * 5)
    async with settling(database_url, clock):
        # Five days before the day itself: the clock is wrong, so nothing is settled.
        waits = "select waits_for = '2026-11-27 10:10 UTC' from settlement_leader"
        await until(lambda: pool.one(waits))
    assert await pool.all("select count(*)::int from settlements") == [(0,)]


async def test_terms_that_cannot_find_out_say_nothing(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    """0 would say that no day is late, and that the ledger is right."""
    next_day_s = midnight_s(clock)
    await pool.work(await pool.miner("alice"), PETAHASHES)
    async with settling(database_url, clock):
        await until(lambda: booked(pool, 1))
        await until(lambda: known("settlement_next_day_seconds") == next_day_s)
        await until(lambda: known("ledger_problems") == 0)
        await pool.connection.execute(
            "create function full_disk() returns trigger language plpgsql as "
            "$$begin raise 'no space left on device' using errcode = 'disk_full'; end$$"
        )
        await pool.connection.execute(
            "create trigger full_disk before update of waits_for on settlement_leader "
            "for each row execute function full_disk()"
        )
        (epoch,) = (await pool.all("select epoch from settlement_leader"))[0]
        await until(lambda: pool.one(f"select epoch > {epoch} + 1 from settlement_leader"))
        both = ("settlement_next_day_seconds", "ledger_problems")
        await until(lambda: all(known(name) is None for name in both))
        await pool.connection.execute("drop trigger full_disk on settlement_leader")
        await until(lambda: known("settlement_next_day_seconds"))
    assert known("settlement_next_day_seconds") is None


async def test_before_the_first_share_no_day_is_late(
    pool: SettledPool, database_url: str, clock: ManualClock
) -> None:
    async with settling(database_url, clock, replace(CONFIG, first_day=None)):
        assert await until(lambda: known("settlement_next_day_seconds")) == midnight_s(clock)


def midnight_s(clock: ManualClock) -> float:
    """At which the clock's day began."""
    return clock.now_ms() // 86_400_000 * 86_400


def known(name: str) -> float | None:
    return REGISTRY.get_sample_value(PREFIX + name)
