"""Steps 6 and 7: a batch follows our own header chain until it is final.

    6  confirm    a block of our chain holds a version: that one it is, the others are replaced
    -  reorganise no block of our chain holds it any more: back to `broadcast`, same bytes again
    7  finalize   deep enough: pending transfers posted, the fee booked, coins released

Below the final depth it goes both ways by itself. A batch that was final and fell out of the chain,
and a cancelled one that somebody signed and sent all the same, stop for a person.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from aggregator.chain.json_rpc import NodeError
from aggregator.payouts import batches, booking, sending
from aggregator.payouts.batches import Actor, Batch, Connection, Version
from aggregator.payouts.states import SENT, BatchState, TransactionState
from aggregator.payouts.wallet.node import Node
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/batches.sql")


async def follow_chain(
    connection: Connection, batch_id: UUID, actor: Actor, *, final_depth: int
) -> BatchState:
    """Where the batch stands now, by our headers alone; one transaction."""
    async with connection.transaction():
        batch = await batches.locked(connection, batch_id)
        version = batch.in_chain
        if batch.state in SENT and version is not None:
            await _confirm(connection, batch, version, actor)
            if version.confirmations >= final_depth:
                await _finalize(connection, batch, version, actor)
        elif batch.state == BatchState.CONFIRMED:
            await _reorganise(connection, batch, actor)
        elif batch.state == BatchState.FINAL:
            await _check_final(connection, batch, actor, final_depth)
        elif batch.state == BatchState.CANCELLED and version is not None:
            await batches.stop(
                connection, batch, actor, f"cancelled, and paid by {version.txid} all the same"
            )
        return (await batches.locked(connection, batch_id)).state


async def resend(connection: Connection, node: Node, batch_id: UUID, actor: Actor) -> None:
    """The node has forgotten it, or never had it: the same bytes again.

    Only a coin that another confirmed transaction has spent stops the batch for a person;
    everything else is tried again. NodeAwayError if the node does not answer.
    """
    async with connection.transaction():
        batch = await batches.locked(connection, batch_id)
        lost_before = batch.state == BatchState.FINAL and batch.in_chain is None
        if batch.state != BatchState.BROADCAST and not lost_before:
            return
        sent = batch.sent
        assert sent is not None, "a batch that was broadcast has a version that was"
        try:
            version = await sending.deliver(node, batch, sent)
        except NodeError as error:
            await stop_if_lost(connection, batch, sent, actor, error)
            return
        if batch.state == BatchState.BROADCAST:
            await batches.resume(connection, batch, actor, version.txid)
            if await sending.mark_sent(connection, batch, version, actor):
                await booking.announce(connection, batch, version.txid, actor)


async def stop_if_lost(
    connection: Connection, batch: Batch, refused: Version, actor: Actor, error: NodeError
) -> str | None:
    """The reason, if a confirmed transaction of others spends a coin of it; else None."""
    parameters = {"txid": refused.txid, "batch_id": batch.id}
    cursor = await connection.execute(_SQL["foreign_spend"], parameters)
    row = await cursor.fetchone()
    if row is None:
        return None
    reason = f"transaction {row['spent_by']} has spent a coin of {refused.txid}: {error.message}"
    await batches.stop(connection, batch, actor, reason[:500])
    return reason


async def _confirm(connection: Connection, batch: Batch, version: Version, actor: Actor) -> None:
    for other in batch.versions:
        if other.txid != version.txid and other.state != TransactionState.CANCELLED:
            state = TransactionState.CANCELLED if other.raw is None else TransactionState.REPLACED
            await batches.set_version(connection, other.txid, state)
    await batches.resume(connection, batch, actor, version.txid)
    if batch.state == BatchState.CONFIRMED and version.state == TransactionState.CONFIRMED:
        return
    if batch.state == BatchState.SIGNED:
        await batches.move(connection, batch, BatchState.BROADCAST, actor, version.txid)
        await booking.announce(connection, batch, version.txid, actor)
    if version.state != TransactionState.CONFIRMED:
        await batches.set_version(connection, version.txid, TransactionState.CONFIRMED)
    detail = f"{version.txid} in block {version.block_hash}"
    await batches.move(connection, batch, BatchState.CONFIRMED, actor, detail)


async def _finalize(connection: Connection, batch: Batch, version: Version, actor: Actor) -> None:
    """Step 7: everything that is booked, in the transaction of the new state."""
    await booking.post(connection, batch, version, actor)
    await batches.set_version(connection, version.txid, TransactionState.FINAL)
    await connection.execute(_SQL["release_coins"], {"batch_id": batch.id})
    detail = f"{version.txid}, {version.confirmations} deep"
    await batches.move(connection, batch, BatchState.FINAL, actor, detail)


async def _reorganise(connection: Connection, batch: Batch, actor: Actor) -> None:
    """Back to `broadcast`; the version that was confirmed is the one to send."""
    for version in batch.versions:
        if version.state == TransactionState.CONFIRMED:
            await batches.set_version(connection, version.txid, TransactionState.BROADCAST)
    await batches.move(
        connection, batch, BatchState.BROADCAST, actor, "its block left the chain: sent again"
    )


async def _check_final(
    connection: Connection, batch: Batch, actor: Actor, final_depth: int
) -> None:
    version = batch.in_chain
    if version is None:
        reason = "final, and no longer in the chain: a reorganisation above the final depth"
        await batches.stop(connection, batch, actor, reason)
    elif version.confirmations >= final_depth:
        await batches.resume(connection, batch, actor, f"{version.txid} is in the chain again")
