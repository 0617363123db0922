"""Steps 1 and 2: who is paid, frozen and reserved; and a person's approval of exactly that list."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from aggregator.payouts import batches, booking
from aggregator.payouts.batches import Actor, Batch, Connection
from aggregator.payouts.config import LimitsConfig, PayoutsConfig
from aggregator.payouts.errors import RefusedError
from aggregator.payouts.selection import Selection, list_hash, select
from aggregator.payouts.states import BatchState, TransactionState
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/batches.sql")


async def propose(
    connection: Connection,
    *,
    batch_id: UUID,
    pool_id: int,
    money_sat: int,
    config: PayoutsConfig,
    actor: Actor,
    day: date | None = None,
) -> str:
    """Step 1: amounts and addresses frozen, each amount reserved by a pending transfer.

    `day` is set for the batch of a day that is proposed by itself: there is one at most.
    RefusedError if nobody is to be paid, or if a proposed batch waits for approval.
    """
    await connection.execute(_SQL["lock_pool"], {"pool_id": pool_id})
    selection = select(
        await booking.candidates(connection, pool_id, actor.now),
        network=config.network,
        now=actor.now,
        money_sat=money_sat,
        max_payees=config.transaction.max_payees,
    )
    if not selection.items:
        raise RefusedError(_nobody(selection))
    row = {
        "batch_id": batch_id,
        "pool_id": pool_id,
        "proposed_for": day,
        "list_hash": list_hash(selection.items),
        "total_sat": selection.total_sat,
        "now": actor.now,
    }
    cursor = await connection.execute(_SQL["insert_batch"], row)
    if await cursor.fetchone() is None:
        raise RefusedError("the pool has a proposed batch already: approve or cancel that one")
    await _keep(connection, batch_id, pool_id, selection, actor)
    detail = f"{len(selection.items)} payees, {selection.total_sat} sat"
    await batches.note(connection, batch_id, BatchState.PROPOSED, actor, detail)
    return f"{batch_id}: {detail}, {len(selection.left_out)} left out"


async def approve(connection: Connection, batch: Batch, actor: Actor, approved_hash: str) -> str:
    """Step 2; RefusedError if somebody was faster, or if the hash is that of another list."""
    batch.require(BatchState.PROPOSED)
    found = list_hash(await batches.items(connection, batch.id))
    if found != batch.list_hash or approved_hash != batch.list_hash:
        raise RefusedError(f"the list's hash is {found}, not {approved_hash}: look at it again")
    await batches.move(connection, batch, BatchState.APPROVED, actor, f"list {found}")
    return f"approved: {batch.total_sat} sat"


async def approve_within_limits(
    connection: Connection, batch: Batch, limits: LimitsConfig, actor: Actor
) -> None:
    """By the service itself, if that is allowed; what is beyond its limits waits for a person."""
    if not limits.automatic:
        return
    parameters = {"batch_id": batch.id, "pool_id": batch.pool_id, "now": actor.now}
    cursor = await connection.execute(_SQL["sums_for_limits"], parameters)
    sums = await cursor.fetchone()
    assert sums is not None, "sums have a row"
    beyond = limits.beyond(batch_sat=batch.total_sat, **sums)
    if beyond:
        await batches.note(connection, batch.id, "left to a person", actor, beyond)
    else:
        await approve(connection, batch, actor, batch.list_hash)


async def cancel(connection: Connection, batch: Batch, actor: Actor, reason: str) -> str:
    """Give back what was reserved; RefusedError from `signed` on: its bytes may be anywhere."""
    batch.require(BatchState.PROPOSED, BatchState.APPROVED, BatchState.BUILT)
    await booking.void(connection, batch, actor)
    for version in batch.versions:
        await batches.set_version(connection, version.txid, TransactionState.CANCELLED)
    await connection.execute(_SQL["release_coins"], {"batch_id": batch.id})
    await batches.move(connection, batch, BatchState.CANCELLED, actor, reason)
    return "cancelled; the amounts are balances again"


async def _keep(
    connection: Connection, batch_id: UUID, pool_id: int, selection: Selection, actor: Actor
) -> None:
    transfers = await booking.reserve(connection, batch_id, pool_id, selection.items, actor)
    await connection.execute(
        _SQL["insert_items"],
        {
            "batch_id": batch_id,
            "entity_ids": [item.entity_id for item in selection.items],
            "addresses": [item.address for item in selection.items],
            "scripts": [item.script for item in selection.items],
            "amounts_sat": [item.amount_sat for item in selection.items],
            "transfer_ids": [transfers[item.entity_id] for item in selection.items],
        },
    )
    left = [
        {
            "batch_id": batch_id,
            "entity_id": one.entity_id,
            "amount_sat": one.amount_sat,
            "reason": one.reason,
        }
        for one in selection.left_out
    ]
    if left:
        async with connection.cursor() as cursor:
            await cursor.executemany(_SQL["insert_left_out"], left)


def _nobody(selection: Selection) -> str:
    if not selection.left_out:
        return "no balance has reached its minimum"
    reasons = sorted({one.reason.value for one in selection.left_out})
    return f"nobody can be paid: {len(selection.left_out)} left out ({', '.join(reasons)})"
