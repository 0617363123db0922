"""The wallet's account against its unspent outputs: what the check says if coins went elsewhere."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from aggregator.ledger.check import check
from aggregator.payouts.wallet.audit import audit
from deploy.cli import app
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool
from tests.integration.payouts.spending import spend

COIN_SAT = 50 * 10**8


@pytest.fixture
def configured(pool: PayingPool, monkeypatch: pytest.MonkeyPatch) -> PayingPool:
    monkeypatch.setenv("DATABASE_URL", pool.url)
    monkeypatch.setenv("BITCOIND_RPC_URL", pool.node.rpc_url)
    monkeypatch.setenv("HASHGAUGE_PAYOUTS__DESCRIPTOR", pool.config.descriptor)
    monkeypatch.setenv("HASHGAUGE_CHAIN__NETWORK", "regtest")
    return pool


async def ledger_check() -> Result:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["ledger", "check"])


async def unaccounted_sat(pool: PayingPool) -> int:
    found: int = await pool.value("select unaccounted_sat from payout_money")
    return found


async def test_node_and_books_agree_after_a_payout(configured: PayingPool) -> None:
    await configured.owe(3)
    await configured.broadcast_batch()
    await configured.mine(FINAL_DEPTH)
    result = await ledger_check()
    assert result.exit_code == 0, result.output
    assert "every satoshi is where it should be; the node has all" in result.stdout
    assert await unaccounted_sat(configured) == 0


async def test_coins_that_somebody_spent_are_named_until_a_transfer_books_them(
    configured: PayingPool,
) -> None:
    pool = configured
    thief = await spend(pool, await pool.parts.wallet.spendable(pool.connection))
    await pool.mine()
    (problem,) = await check(pool.connection)
    assert problem.startswith("wallet account is its unspent outputs: pool")
    assert f"was spent by {thief}" in problem
    gone_sat = await unaccounted_sat(pool)
    assert gone_sat > 0
    assert gone_sat % COIN_SAT == 0
    result = await ledger_check()
    assert result.exit_code == 1
    assert thief in result.stdout.replace("\n", "")
    await _book_withdrawal(pool, gone_sat)
    await pool.follow()
    assert await unaccounted_sat(pool) == 0
    assert await check(pool.connection) == []


async def _book_withdrawal(pool: PayingPool, amount_sat: int) -> None:
    """As `POST /pools/{id}/transfers` books it."""
    await pool.rows_of(
        "insert into ledger_transfers (id, debit_account_id, credit_account_id, amount_sat, kind, "
        "reason, effective_at) select %s, outside.id, wallet.id, %s, 'transfer', 'withdrawn', %s "
        "from ledger_accounts outside join ledger_accounts wallet using (owner_id) "
        "where outside.kind = 'external' and wallet.kind = 'wallet'",
        uuid4(),
        amount_sat,
        pool.now,
    )


async def test_deposit_that_left_the_chain_is_named(pool: PayingPool) -> None:
    """A reorganisation deeper than `final` takes coinbases with it that were booked."""
    height = pool.node.call("getblockcount") - FINAL_DEPTH
    pool.node.call("invalidateblock", pool.node.call("getblockhash", height))
    await pool.follow()
    (problem,) = await check(pool.connection)
    assert "left the chain" in problem


async def test_output_that_the_node_has_spent_is_named(pool: PayingPool) -> None:
    before = await audit(pool.connection, pool.parts.node)
    assert before is not None
    assert before.problems == ()
    assert before.total_sat == before.outputs * COIN_SAT
    await spend(pool, await pool.parts.wallet.spendable(pool.connection))
    await pool.mine()
    # As if the block had been misread.
    await pool.rows_of("delete from wallet_spends")
    after = await audit(pool.connection, pool.parts.node)
    assert after is not None
    assert len(after.problems) > 0
    assert "the node has it spent" in after.problems[0]


async def test_nothing_is_said_of_a_node_at_another_block(pool: PayingPool) -> None:
    pool.node.mine()
    assert await audit(pool.connection, pool.parts.node) is None


async def test_node_that_is_away_is_a_problem_of_the_check(configured: PayingPool) -> None:
    configured.node.kill()
    result = await ledger_check()
    assert result.exit_code == 1
    assert "no answer from the node" in result.stdout.replace("\n", " ")


async def test_coins_of_a_descriptor_that_was_given_up_stay_in_the_books(pool: PayingPool) -> None:
    coins = await pool.parts.wallet.spendable(pool.connection)
    await pool.rows_of("update wallet_coins set wallet = 'given-up'")
    thief = await spend(pool, coins)
    await pool.mine()
    (problem,) = await check(pool.connection)
    assert f"was spent by {thief}" in problem
