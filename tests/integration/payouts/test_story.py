"""A batch on a real node, from the proposal to the booking of its last transfer."""

from __future__ import annotations

from aggregator.payouts.states import Action
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool


async def test_three_hundred_payees_are_paid_by_one_batch(pool: PayingPool) -> None:
    miners = await pool.owe(300, amount_sat=100_000)
    batch_id = await pool.broadcast_batch()
    await pool.mine()
    assert await pool.state(batch_id) == "confirmed"
    await pool.mine(FINAL_DEPTH - 1)
    assert await pool.state(batch_id) == "final"
    assert {await pool.balance_sat(miner) for miner in miners} == {0}
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_steps_are_written_down_with_who_and_when(pool: PayingPool) -> None:
    await pool.owe(1)
    batch_id = await pool.broadcast_batch()
    await pool.mine(FINAL_DEPTH)
    steps = await pool.rows(
        "select step, done_by, done_at from payout_steps where batch_id = %s order by id", batch_id
    )
    boss, service = "boss@pool", "payouts service"
    assert [(row["step"], row["done_by"]) for row in steps] == [
        ("proposed", boss),
        ("approved", boss),
        ("built", boss),
        ("signed", boss),
        ("broadcast", boss),
        ("confirmed", service),
        ("final", service),
    ]
    assert {row["done_at"] for row in steps} == {pool.now}


async def test_cancelled_batch_gives_everything_back(pool: PayingPool) -> None:
    (miner,) = await pool.owe(1)
    batch_id = await pool.propose()
    assert await pool.balance_sat(miner) == 0
    await pool.approve(batch_id)
    await pool.do(Action.BUILD, batch_id)
    await pool.do(Action.CANCEL, batch_id, reason="a typing error")
    assert await pool.balance_sat(miner) > 0
    await assert_books_are_right(pool)
