"""What holds after everything that may go wrong: the ledger adds up, and nobody is paid twice."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from aggregator.ledger.check import check
from tests.integration.payouts.paying_pool import PayingPool


async def assert_books_are_right(pool: PayingPool) -> None:
    """`hashgauge ledger check` is clean; the wallet's account is what final blocks hold; nothing is
    reserved without a live item."""
    assert await check(pool.connection) == []
    booked = await pool.value(
        "select (debits_sat - credits_sat)::int8 from ledger_balances join ledger_accounts "
        "on id = account_id where owner_id = %s and kind = 'wallet'",
        pool.pool_id,
    )
    assert booked == (await pool.parts.wallet.money(pool.connection))["booked"]
    reserved = await pool.value(
        "select coalesce(sum(pending_debits_sat), 0)::int8 from ledger_balances"
    )
    live = await pool.value(
        "select coalesce(sum(amount_sat), 0)::int8 from payout_items items join payout_batches b "
        "on b.id = batch_id where state not in ('final', 'cancelled')"
    )
    assert reserved == live


async def assert_paid_once(pool: PayingPool, *batch_ids: UUID) -> None:
    """Every item of these batches has exactly its money in the node's chain."""
    wanted: Counter[str] = Counter()
    for batch_id in batch_ids:
        for row in await pool.rows(
            "select encode(script, 'hex') as script, amount_sat from payout_items "
            "where batch_id = %s",
            batch_id,
        ):
            wanted[row["script"]] += row["amount_sat"]
    paid = pool.paid_on_chain()
    assert {script: sum(paid.get(script, [])) for script in wanted} == dict(wanted)
    assert len(wanted) > 0
