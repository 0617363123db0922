"""Killed before any statement or call between the proposal and the last booking, the next process
goes on where that one was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from aggregator.ledger.check import check
from aggregator.payouts.config import LimitsConfig
from aggregator.payouts.states import Action
from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.lives import Life
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool

BeforeIt = Callable[[], Awaitable[object]]


async def _batch_id(pool: PayingPool) -> UUID:
    found: UUID = await pool.value("select id from payout_batches")
    return found


async def _killed_everywhere(pool: PayingPool, life: Life) -> int:
    """Each process gets one step further than the one before it, until one comes to its end; how
    many were killed."""
    kills = 0
    while not await life.lived(kills):
        kills += 1
        assert await check(pool.connection) == []
        assert await pool.value("select count(*) from payout_batches") <= 1
    return kills


async def test_killed_at_every_step_from_propose_to_final_pays_once(pool: PayingPool) -> None:
    await pool.owe(2)
    asked, looking = _life(pool), replace(_life(pool), looks=True)
    kills: dict[str, int] = {}

    async def stage(state: str, life: Life) -> None:
        kills[state] = await _killed_everywhere(pool, life)
        assert await pool.state(await _batch_id(pool)) == state

    await pool.request(Action.PROPOSE, None)
    await stage("proposed", asked)
    batch_id = await _batch_id(pool)
    list_hash = await pool.value("select list_hash from payout_batches")
    await pool.request(Action.APPROVE, batch_id, hash=list_hash)
    await stage("approved", asked)
    await pool.request(Action.BUILD, batch_id)
    await stage("built", asked)
    await pool.request(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    await stage("signed", asked)
    await pool.request(Action.BROADCAST, batch_id)
    await stage("broadcast", asked)
    pool.node.mine()
    await stage("confirmed", looking)
    pool.node.mine(FINAL_DEPTH - 1)
    await stage("final", looking)
    assert min(kills.values()) > 3
    await _paid_once_and_clean(pool)


async def test_killed_while_it_proposes_and_approves_by_itself_does_so_once(
    pool: PayingPool,
) -> None:
    await pool.owe(2, amount_sat=1_000_000)
    pool.clock.advance(timedelta(hours=2.5).total_seconds())
    config = replace(pool.config, limits=LimitsConfig(automatic=True))
    life = replace(_life(pool), config=config, looks=True)
    assert await _killed_everywhere(pool, life) > 10
    steps = await pool.rows("select step, done_by from payout_steps order by id")
    assert [(row["step"], row["done_by"]) for row in steps] == [
        ("proposed", "payouts service"),
        ("approved", "payouts service"),
    ]
    await assert_books_are_right(pool)


def _life(pool: PayingPool) -> Life:
    url = under(AGGREGATOR, pool.url)
    return Life(url, pool.node.rpc_url, pool.pool_id, pool.config, pool.clock.now_ms())


async def _paid_once_and_clean(pool: PayingPool) -> None:
    batch_id = await _batch_id(pool)
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)
    assert await pool.value("select count(*) from payments where status = 'completed'") == 2
    events = await pool.rows("select fields ->> 'status' as stage from events order by id")
    assert Counter(row["stage"] for row in events) == {"broadcast": 2, "final": 2}
    steps = await pool.rows("select step from payout_steps order by id")
    assert [row["step"] for row in steps] == [
        *("proposed", "approved", "built", "signed", "broadcast", "confirmed", "final"),
    ]
