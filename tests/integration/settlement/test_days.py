"""Days are settled in order, once, and say what they wait for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import psycopg
import pytest

from aggregator.ledger.check import check
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool

pytestmark = pytest.mark.postgres


async def test_without_fees_everybody_gets_the_gross(pool: SettledPool) -> None:
    alice, bob = await pool.miner("alice"), await pool.miner("bob")
    await pool.work(alice, 700)
    await pool.work(bob, 300)
    await pool.work(bob, 2**31, minute=1)
    await pool.rate()
    await pool.settle()
    assert await pool.balances() == {alice: 700, bob: 300 + 2**31}
    assert await pool.payments(alice) == [("reward", "incoming", 700)]
    assert await check(pool.connection) == []


async def test_fees_go_to_pool_operator_and_referrer(pool: SettledPool) -> None:
    await pool.connection.execute("update pools set fee = 0.02")
    farm = await pool.operator(0.05)
    alice, bob = await pool.miner("alice", operator=farm), await pool.miner("bob")
    await pool.connection.execute(
        "insert into referrer_codes (code, miner_id) values ('hfrc_ABCDEFGH', %s)", (bob,)
    )
    await pool.connection.execute(
        "insert into referrals values (%s, %s, 'hfrc_ABCDEFGH')", (alice, bob)
    )
    await pool.work(alice, 60_000, operator=farm)
    await pool.work(alice, 40_000, minute=1)
    await pool.rate()
    await pool.settle()
    assert await pool.balances() == {
        alice: 100_000 - 1_800 - 3_000,
        pool.pool: 1_800 - 200,
        farm: 3_000,
        bob: 200,
    }
    assert await pool.payments(pool.pool) == [("reward", "incoming", 1_600)]
    assert await pool.payments(farm) == [("reward", "incoming", 3_000)]
    assert await pool.payments(bob) == [("profit_sharing", "incoming", 200)]
    assert await check(pool.connection) == []


async def test_boundary_work_and_sharing_move_what_the_donor_earned(pool: SettledPool) -> None:
    alice, bob = await pool.miner("alice"), await pool.miner("bob")
    paper = await pool.worker(bob, "paper", "boundary")
    await pool.connection.execute(
        "insert into boundary_workers (worker_id, donor_id, created_at, minutes_to)"
        " values (%s, %s, %s, 'infinity')",
        (paper, alice, DAY),
    )
    await pool.connection.execute(
        "insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from, created_by)"
        " values (%s, %s, 'profit_sharing', 0.1, %s, 'test')",
        (alice, bob, DAY),
    )
    await pool.connection.execute(
        "insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)"
        " values ('recipient_donor', %s, %s, %s, 0.5, 'test')",
        (bob, alice, DAY),
    )
    await pool.work(alice, 1_000)
    await pool.work(bob, 200, worker=paper)
    await pool.rate()
    await pool.settle()
    assert await pool.payments(alice) == [
        ("reward", "incoming", 1_000),
        ("virtual_mining_transfer", "outgoing", 100),
        ("profit_sharing", "outgoing", 100),
    ]
    assert await pool.payments(bob) == [
        ("virtual_mining_reward", "incoming", 100),
        ("profit_sharing", "incoming", 100),
    ]
    assert await check(pool.connection) == []


async def test_a_miner_that_moves_pays_its_new_pool_from_the_next_day_on(pool: SettledPool) -> None:
    await pool.connection.execute("update pools set fee = 0.02")
    alice = await pool.miner("alice")
    other = await pool.one("insert into pools (title, fee) values ('Other', 0.25) returning id")
    await pool.connection.execute("update miners set pool_id = %s", (other,))
    await pool.connection.execute(
        "update operator_reassignments set moved_at = %s", (LATER - timedelta(hours=3),)
    )
    for day in (DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)):
        await pool.work(alice, 1_000, day=day)
        await pool.rate(day)
    await pool.connection.execute("update leader set watermark = '2026-12-01'")
    await pool.settle(now=LATER + timedelta(days=2))
    assert await pool.balances() == {alice: 2 * 980 + 750, pool.pool: 40, other: 250}
    assert await check(pool.connection) == []


async def test_a_day_is_settled_once_in_whatever_chunks(pool: SettledPool) -> None:
    for number in range(8):
        await pool.work(await pool.miner(f"miner{number}"), 10 + number)
    await pool.rate()
    await pool.settle()
    once = await pool.ledger()
    await pool.settle()
    assert await pool.ledger() == once


async def test_fees_that_change_after_the_freeze_do_not_reach_back(pool: SettledPool) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 1_000)
    waits = await pool.settle()
    assert "rate" in waits.reason
    await pool.connection.execute("update fee_entries set fee = 0.5")
    await pool.work(alice, 7, minute=3)
    await pool.rate()
    await pool.settle()
    assert await pool.balances() == {alice: 1_000}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update leader set watermark = '2026-11-26 23:59+00'", "complete minutes"),
        ("update leader set watermark = null", "complete minutes"),
        ("select 1", "a rate for 2026-11-26"),
    ],
)
async def test_a_day_waits_and_says_for_what(pool: SettledPool, change: str, reason: str) -> None:
    await pool.work(await pool.miner("alice"), 1)
    await pool.connection.execute(change.encode())
    waits = await pool.settle()
    assert waits.day == DAY
    assert reason in waits.reason


async def test_a_day_is_not_settled_before_ten_past_ten(pool: SettledPool) -> None:
    await pool.work(await pool.miner("alice"), 1)
    await pool.rate()
    early = datetime(2026, 11, 27, 10, 9, 59, tzinfo=UTC)
    assert (await pool.settle(now=early)).reason == "2026-11-27 10:10 UTC"
    assert await pool.balances() == {}
    await pool.settle(now=early + timedelta(seconds=1))
    assert len(await pool.balances()) == 1


async def test_fractions_are_carried_from_day_to_day(pool: SettledPool) -> None:
    alice = await pool.miner("alice")
    for number in range(3):
        day = DAY + timedelta(days=number)
        await pool.work(alice, 1, day=day)
        await pool.rate(day, sat_per_difficulty=Fraction(1, 3))
    await pool.connection.execute("update leader set watermark = '2026-12-01'")
    await pool.settle(now=LATER + timedelta(days=3))
    assert await pool.balances() == {alice: 1}
    assert await check(pool.connection) == []


async def test_a_settled_rate_stays(pool: SettledPool) -> None:
    await pool.work(await pool.miner("alice"), 1)
    await pool.rate()
    await pool.settle()
    with pytest.raises(psycopg.errors.CheckViolation):
        await pool.rate(sat_per_difficulty=Fraction(2))
