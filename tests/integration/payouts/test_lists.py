"""Who is on a list, who is not and why; and what two who act at once get."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from aggregator.payouts import requests
from aggregator.payouts.requests import Answer
from aggregator.payouts.states import Action
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool, address


async def _left_out(pool: PayingPool, batch_id: UUID) -> dict[int, str]:
    rows = await pool.rows(
        "select entity_id, reason from payout_left_out where batch_id = %s", batch_id
    )
    return {row["entity_id"]: row["reason"] for row in rows}


async def test_one_bad_address_stops_nobody(pool: PayingPool) -> None:
    good = await pool.owe(2)
    bad = await pool.miner("bad", address="bcrt1notanaddress")
    foreign = await pool.miner("foreign", address="1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
    silent = await pool.miner("silent", address=None)
    for miner in (bad, foreign, silent):
        await pool.credit(miner, 5_000_000)
    batch_id = await pool.broadcast_batch()
    assert await _left_out(pool, batch_id) == {
        bad: "bad-address",
        foreign: "bad-address",
        silent: "no-address",
    }
    await pool.mine(FINAL_DEPTH)
    assert [await pool.balance_sat(miner) for miner in good] == [0, 0]
    assert await pool.balance_sat(bad) == 5_000_000
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_changed_address_waits_and_the_old_one_is_not_paid(pool: PayingPool) -> None:
    await pool.owe(1)
    changed = await pool.miner("changed", address=address(50))
    await pool.credit(changed, 5_000_000)
    await pool.rows_of(
        "insert into wallet_addresses (wallet, address, network, valid_from, created_by) "
        "select uid, %s, 'regtest', %s, 'test' from wallets where owner_id = %s",
        address(51),
        pool.now + timedelta(hours=30),
        changed,
    )
    assert await _left_out(pool, await pool.propose()) == {changed: "address-waiting"}


async def test_address_that_changes_while_a_batch_runs_does_not_change_the_batch(
    pool: PayingPool,
) -> None:
    (miner,) = await pool.owe(1)
    batch_id = await pool.propose()
    await pool.rows_of("update wallet_addresses set superseded_at = now()")
    await pool.credit(miner, 123_456)
    await pool.approve(batch_id)
    await pool.do(Action.BUILD, batch_id)
    await pool.do(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    await pool.do(Action.BROADCAST, batch_id)
    await pool.mine(FINAL_DEPTH)
    await assert_paid_once(pool, batch_id)
    assert await pool.balance_sat(miner) == 123_456


async def test_wallets_with_one_address_are_paid_by_one_output(pool: PayingPool) -> None:
    first = await pool.miner("first", address=address(1))
    second = await pool.miner("second", address=address(1))
    await pool.credit(first, 1_000_000)
    await pool.credit(second, 2_000_000)
    batch_id = await pool.broadcast_batch()
    await pool.mine(FINAL_DEPTH)
    assert sorted(len(amounts) for amounts in pool.paid_on_chain().values()) == [1, 1]
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_without_enough_money_whole_items_are_paid_by_age(pool: PayingPool) -> None:
    rich = await pool.miner("rich", address=address(1))
    small = await pool.miner("small", address=address(2))
    await pool.credit(rich, 10**12)
    await pool.credit(small, 1_000_000)
    batch_id = await pool.propose()
    assert await _left_out(pool, batch_id) == {rich: "not-enough-money"}
    assert await pool.value("select total_sat from payout_batches") == 1_000_000


async def test_due_is_what_the_next_batch_would_pay(pool: PayingPool) -> None:
    await pool.owe(2, amount_sat=10_000_000)
    await pool.credit(await pool.miner("silent", address=None), 5_000_000)
    await pool.credit(await pool.miner("small", address=address(60)), 99_999)
    waiting = await pool.miner("waiting", address=address(61))
    await pool.credit(waiting, 7_000_000)
    await pool.rows_of(
        "insert into wallet_addresses (wallet, address, network, valid_from, created_by) "
        "select uid, %s, 'regtest', now() + interval '30 hours', 'test' from wallets "
        "where owner_id = %s",
        address(62),
        waiting,
    )
    await pool.follow()
    (money,) = await pool.rows("select * from payout_money")
    assert (money["liabilities_sat"], money["due_sat"]) == (32_100_000, 20_000_001)
    assert (
        await pool.value("select total_sat from payout_batches where id = %s", await pool.propose())
        == money["due_sat"]
    )


async def test_another_list_than_the_approved_one_is_refused(pool: PayingPool) -> None:
    await pool.owe(1)
    batch_id = await pool.propose()
    answer = await pool.ask(Action.APPROVE, batch_id, hash="0" * 64)
    assert answer.outcome == "refused"
    assert await pool.state(batch_id) == "proposed"


async def test_psbt_of_another_transaction_is_refused(pool: PayingPool) -> None:
    await pool.owe(2)
    cancelled = await pool.propose()
    await pool.approve(cancelled)
    await pool.do(Action.BUILD, cancelled)
    other = await pool.sign(cancelled)
    await pool.do(Action.CANCEL, cancelled)
    await pool.owe(1, first=10)
    batch_id = await pool.propose()
    await pool.approve(batch_id)
    await pool.do(Action.BUILD, batch_id)
    answer = await pool.ask(Action.IMPORT, batch_id, psbt=other)
    assert answer.outcome == "refused"
    assert "inputs or outputs differ" in answer.message
    unsigned = await pool.value("select psbt from payout_transactions where state = 'built'")
    assert (await pool.ask(Action.IMPORT, batch_id, psbt=unsigned)).outcome == "refused"
    assert await pool.state(batch_id) == "built"


async def test_two_approvers_one_takes_effect_and_the_other_is_told(pool: PayingPool) -> None:
    await pool.owe(1)
    batch_id = await pool.propose()
    found = await pool.value("select list_hash from payout_batches")
    answers = await _at_once(pool, Action.APPROVE, batch_id, hash=found)
    assert sorted(answer.outcome or "" for answer in answers) == ["done", "refused"]
    assert await pool.value("select count(*) from payout_steps where step = 'approved'") == 1


async def test_two_clicks_on_propose_reserve_once(pool: PayingPool) -> None:
    (miner,) = await pool.owe(1)
    answers = await _at_once(pool, Action.PROPOSE, None)
    assert sorted(answer.outcome or "" for answer in answers) == ["done", "refused"]
    assert await pool.balance_sat(miner) == 0
    await assert_books_are_right(pool)


async def test_signed_batch_cannot_be_cancelled(pool: PayingPool) -> None:
    await pool.owe(1)
    batch_id = await pool.signed_batch()
    assert (await pool.ask(Action.CANCEL, batch_id)).outcome == "refused"


async def _at_once(
    pool: PayingPool, action: Action, batch_id: UUID | None, **arguments: Any
) -> list[Answer]:
    """Two people, each with a process of their own."""

    async def one(name: str) -> Answer:
        connecting: Any = psycopg.AsyncConnection.connect(
            pool.url, row_factory=dict_row, autocommit=True
        )
        async with await connecting as connection:
            request_id = await requests.ask(
                connection,
                action,
                pool_id=pool.pool_id,
                requested_by=name,
                batch_id=batch_id,
                arguments=arguments,
            )
            answer = await pool.parts.steps.carry_out(connection, request_id, pool.now)
            assert answer is not None
            return answer

    return list(await asyncio.gather(one("ann"), one("bob")))
