"""What goes wrong on the way to a node, and that nobody is paid twice for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregator.chain.json_rpc import NodeAwayError
from aggregator.payouts.states import Action
from aggregator.payouts.wallet import psbt
from aggregator.payouts.wallet.node import Node
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool
from tests.integration.payouts.spending import spend


async def _pays_once(pool: PayingPool, batch_id: UUID) -> None:
    await pool.mine(FINAL_DEPTH)
    assert await pool.state(batch_id) == "final"
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_answer_lost_after_the_node_took_it(
    pool: PayingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.owe(3)
    batch_id = await pool.signed_batch()
    send = Node.send

    async def send_and_lose_the_answer(self: Node, raw: bytes) -> None:
        await send(self, raw)
        raise NodeAwayError("the answer is lost")

    monkeypatch.setattr(Node, "send", send_and_lose_the_answer)
    assert (await pool.do(Action.BROADCAST, batch_id)).startswith("broadcast")
    await _pays_once(pool, batch_id)


async def test_node_away_books_nothing_and_the_request_waits(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.signed_batch()
    blocks = pool.node.raw_blocks()
    pool.node.kill()
    answer = await pool.ask(Action.BROADCAST, batch_id)
    assert answer.outcome is None
    assert await pool.state(batch_id) == "signed"
    with pytest.raises(NodeAwayError):
        await pool.follow()
    pool.node.start()
    pool.node.submit(blocks)
    assert await pool.parts.steps.carry_out_all(pool.process, pool.now) == 1
    await _pays_once(pool, batch_id)


async def test_node_that_forgot_its_mempool_gets_the_same_bytes_again(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    blocks = pool.node.raw_blocks()
    pool.node.kill()
    pool.node.start()
    pool.node.submit(blocks)
    assert pool.node.call("getrawmempool") == []
    await pool.follow()
    assert pool.node.call("getrawmempool") == await pool.txids(batch_id)
    await _pays_once(pool, batch_id)


async def test_payment_that_fell_out_of_the_chain_is_sent_again(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await pool.mine(2)
    assert await pool.state(batch_id) == "confirmed"
    blocks = pool.node.raw_blocks()[:-2]
    pool.node.kill()
    pool.node.start()
    pool.node.submit(blocks)
    await pool.follow()
    assert await pool.state(batch_id) == "broadcast"
    assert pool.node.call("getrawmempool") == await pool.txids(batch_id)
    await _pays_once(pool, batch_id)


async def test_reorganisation_below_the_final_depth_is_followed(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await pool.mine(2)
    pool.node.call("invalidateblock", pool.node.call("getblockhash", 109))
    await pool.follow()
    assert await pool.state(batch_id) == "broadcast"
    await _pays_once(pool, batch_id)


async def test_reorganisation_above_the_final_depth_stops_for_a_person(pool: PayingPool) -> None:
    await pool.mine_for_others()
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await _pays_once(pool, batch_id)
    pool.node.call("invalidateblock", pool.node.call("getblockhash", 109))
    await pool.follow()
    assert await pool.state(batch_id) == "final"
    assert "reorganisation" in str(await pool.stopped(batch_id))
    await pool.mine(FINAL_DEPTH)
    assert await pool.stopped(batch_id) is None
    await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_coins_of_a_final_batch_that_left_the_chain_pay_nobody_else(
    pool: PayingPool,
) -> None:
    await pool.mine_for_others()
    await pool.owe(3)
    paid = await pool.broadcast_batch()
    await _pays_once(pool, paid)
    pool.node.call("invalidateblock", pool.node.call("getblockhash", 109))
    await pool.follow()
    await pool.owe(2, first=3)
    coming = await pool.broadcast_batch()
    assert await pool.value("select count(*) from payout_inputs where batch_id = %s", paid)
    shared = "select txid, vout from payout_inputs group by 1, 2 having count(*) > 1"
    assert await pool.rows(shared) == []
    await pool.mine(FINAL_DEPTH)
    for batch_id in (paid, coming):
        assert await pool.stopped(batch_id) is None
        await assert_paid_once(pool, batch_id)
    await assert_books_are_right(pool)


async def test_fee_bump_that_wins(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await pool.do(Action.BUMP, batch_id, fee_rate=20)
    await pool.do(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    await pool.do(Action.BROADCAST, batch_id)
    first, second = await pool.txids(batch_id)
    assert pool.node.call("getrawmempool") == [second]
    await _pays_once(pool, batch_id)
    states = await pool.rows("select txid, state from payout_transactions order by version")
    assert [(row["txid"], row["state"]) for row in states] == [
        (first, "replaced"),
        (second, "final"),
    ]
    hashes = await pool.rows("select distinct tx_hash, status from payments where type = 'payout'")
    assert hashes == [{"tx_hash": second, "status": "completed"}]


async def test_fee_bump_that_loses(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await pool.do(Action.BUMP, batch_id, fee_rate=20)
    await pool.do(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    pool.node.mine()
    assert "version 1 was faster" in await pool.do(Action.BROADCAST, batch_id)
    await pool.follow()
    await _pays_once(pool, batch_id)
    states = await pool.rows("select state from payout_transactions order by version")
    assert [row["state"] for row in states] == ["final", "replaced"]


async def test_signed_bump_waits_for_somebody_who_broadcasts_it(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    await pool.do(Action.BUMP, batch_id, fee_rate=20)
    await pool.do(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    first, second = await pool.txids(batch_id)
    await pool.follow()
    assert pool.node.call("getrawmempool") == [first]

    # Killed after the node took it: the next look finds out, and payments name what was sent.
    pool.node.call("sendrawtransaction", await pool.raw(second))
    await pool.follow()
    assert await pool.value("select distinct tx_hash from payments") == second
    await _pays_once(pool, batch_id)


async def test_bump_below_what_nodes_accept_is_refused(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.broadcast_batch()
    answer = await pool.ask(Action.BUMP, batch_id, fee_rate=5)
    assert answer.outcome == "refused"
    assert "nodes replace version 1" in answer.message


async def test_input_spent_by_another_transaction_stops_for_a_person_who_bumps(
    pool: PayingPool,
) -> None:
    await pool.owe(3)
    batch_id = await pool.signed_batch()
    await spend(pool, await pool.parts.wallet.coins_of(pool.connection, batch_id))
    await pool.mine()
    answer = await pool.ask(Action.BROADCAST, batch_id)
    assert answer.outcome == "refused"
    assert "has spent a coin" in str(await pool.stopped(batch_id))
    assert await pool.state(batch_id) == "signed"

    # As long as that spend may be undone, only a version that shares its input could be built.
    assert (await pool.ask(Action.BUMP, batch_id, fee_rate=10)).outcome == "done"
    await pool.mine(FINAL_DEPTH)
    await pool.do(Action.BUMP, batch_id, fee_rate=12)
    await pool.do(Action.IMPORT, batch_id, psbt=await pool.sign(batch_id))
    await pool.do(Action.BROADCAST, batch_id)
    await pool.mine(FINAL_DEPTH)
    assert await pool.state(batch_id) == "final"
    assert await pool.stopped(batch_id) is None
    await assert_paid_once(pool, batch_id)


async def test_cancelled_batch_that_somebody_signed_cannot_pay_beside_the_next_one(
    pool: PayingPool,
) -> None:
    await pool.owe(3)
    cancelled = await pool.propose()
    await pool.approve(cancelled)
    await pool.do(Action.BUILD, cancelled)
    signed = psbt.read_signed(
        await pool.sign(cancelled),
        txid=(await pool.txids(cancelled))[0],
        config=pool.config.transaction,
    )
    await pool.do(Action.CANCEL, cancelled)
    batch_id = await pool.broadcast_batch()
    assert _refused(pool, signed.raw.hex())
    await _pays_once(pool, batch_id)


async def test_cancelled_batch_that_was_sent_all_the_same_is_noticed(pool: PayingPool) -> None:
    await pool.owe(3)
    batch_id = await pool.propose()
    await pool.approve(batch_id)
    await pool.do(Action.BUILD, batch_id)
    signed = psbt.read_signed(
        await pool.sign(batch_id),
        txid=(await pool.txids(batch_id))[0],
        config=pool.config.transaction,
    )
    await pool.do(Action.CANCEL, batch_id)
    pool.node.call("sendrawtransaction", signed.raw.hex())
    await pool.mine()
    assert "all the same" in str(await pool.stopped(batch_id))


async def test_wrong_signature_is_refused_by_the_node_and_signed_again(pool: PayingPool) -> None:
    await pool.owe(1)
    batch_id = await pool.signed_batch()
    right = bytes.fromhex(await pool.raw((await pool.txids(batch_id))[0]))
    wrong = bytearray(right)
    wrong[right.index(b"\x30\x44") + 40] ^= 1
    await pool.rows_of("update payout_transactions set raw = %s", bytes(wrong))
    assert (await pool.ask(Action.BROADCAST, batch_id)).outcome == "refused"
    assert await pool.state(batch_id) == "signed"
    built = await pool.value("select psbt from payout_transactions")
    await pool.do(Action.IMPORT, batch_id, psbt=pool.signer.sign(built))
    await pool.do(Action.BROADCAST, batch_id)
    await _pays_once(pool, batch_id)


def _refused(pool: PayingPool, raw: str) -> Any:
    return pool.node.call("testmempoolaccept", [raw], 1)[0].get("reject-reason")
