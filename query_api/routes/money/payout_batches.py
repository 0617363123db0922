"""Payout batches of a pool: lists, and the steps from the proposal to the chain."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.payout_batches import (
    Approval,
    Cancellation,
    FeeBump,
    MoneyOnHand,
    PayoutBatch,
    PayoutBatchList,
    PayoutItem,
    PayoutLeftOut,
    PayoutPsbt,
    PayoutRequest,
    PayoutStep,
    PayoutTransaction,
    SignedPsbt,
    WholePayoutBatch,
)
from query_api.contract.responses import CONFLICT, Responses
from query_api.contract.shape import page_of
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ConflictError, NotFoundError
from query_api.http.responses import json_response
from query_api.routes.params import Limit, Offset
from query_api.store.entities import Entity
from query_api.store.money import payout_batches
from schemas.access import EntityKind

STEP: Final[Responses] = CONFLICT | {
    202: {"model": PayoutRequest, "description": "Written down, and not carried out yet."}
}

router = APIRouter(prefix="/pools/{pool_id}/payout-batches", tags=["payouts"])


@router.get("", response_model=PayoutBatchList)
async def list_payout_batches(
    context: Ctx, caller: Who, pool_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Batches, newest first."""
    pool = await _pool(context, caller, pool_id)
    rows, count = await payout_batches.page(context.database, pool.id, limit=limit, offset=offset)
    items = [PayoutBatch.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=count))


@router.post("", response_model=PayoutRequest, responses=STEP)
async def propose_payout_batch(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """Freeze who is paid how much, and reserve it. 409 if nobody is, or if a proposed batch waits.

    The id of the request is the id of the batch. 202 if the step is not carried out yet.
    """
    return await _ask(context, caller, pool_id, None, "propose")


@router.get("/money", response_model=MoneyOnHand)
async def payout_money(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """What the pool owes, and what its wallet holds. 404 before the wallet was looked at."""
    pool = await _pool(context, caller, pool_id)
    row = await payout_batches.money(context.database, pool.id)
    if row is None:
        raise NotFoundError("the pool's wallet has not been looked at yet")
    return json_response(MoneyOnHand.from_row(row))


@router.get("/{batch_id}", response_model=WholePayoutBatch)
async def payout_batch(context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID) -> Response:
    """Who is paid, who is not and why, its transactions, and every step with who and when."""
    pool = await _pool(context, caller, pool_id)
    row = await _batch(context, pool, batch_id)
    parts = await payout_batches.parts(context.database, batch_id)
    return json_response(
        PayoutBatch.from_row(row)
        | {
            "items": [PayoutItem.from_row(one) for one in parts["items"]],
            "not_paid": [PayoutLeftOut.from_row(one) for one in parts["left_out"]],
            "transactions": [PayoutTransaction.from_row(one) for one in parts["transactions"]],
            "steps": [PayoutStep.from_row(one) for one in parts["steps"]],
        }
    )


@router.post("/{batch_id}/approve", response_model=PayoutRequest, responses=STEP)
async def approve_payout_batch(
    context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID, body: Approval
) -> Response:
    """Approve exactly the list with this hash. 409 for another list, or if somebody was faster."""
    return await _ask(context, caller, pool_id, batch_id, "approve", hash=body.list_hash)


@router.post("/{batch_id}/build", response_model=PayoutRequest, responses=STEP)
async def build_payout_batch(context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID) -> Response:
    """Build the transaction from the wallet's coins."""
    return await _ask(context, caller, pool_id, batch_id, "build")


@router.get("/{batch_id}/psbt", response_model=PayoutPsbt, responses=CONFLICT)
async def payout_batch_psbt(context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID) -> Response:
    """The PSBT to be signed. 409 if none waits for a signature."""
    pool = await _pool(context, caller, pool_id)
    await _batch(context, pool, batch_id)
    found = await payout_batches.psbt(context.database, batch_id)
    if found is None:
        raise ConflictError("no transaction of this batch waits for a signature")
    return json_response({"psbt": found})


@router.post("/{batch_id}/psbt", response_model=PayoutRequest, responses=STEP)
async def import_payout_batch_psbt(
    context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID, body: SignedPsbt
) -> Response:
    """Take the signed PSBT. 409 if it does not pay exactly what was built."""
    return await _ask(context, caller, pool_id, batch_id, "import", psbt=body.psbt)


@router.post("/{batch_id}/broadcast", response_model=PayoutRequest, responses=STEP)
async def broadcast_payout_batch(
    context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID
) -> Response:
    """Send the signed transaction; safe to repeat."""
    return await _ask(context, caller, pool_id, batch_id, "broadcast")


@router.post("/{batch_id}/bump", response_model=PayoutRequest, responses=STEP)
async def bump_payout_batch(
    context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID, body: FeeBump
) -> Response:
    """Build a version with a higher fee, to be signed, imported and broadcast like the first."""
    return await _ask(context, caller, pool_id, batch_id, "bump", fee_rate=body.fee_rate)


@router.post("/{batch_id}/cancel", response_model=PayoutRequest, responses=STEP)
async def cancel_payout_batch(
    context: Ctx, caller: Who, pool_id: UUID, batch_id: UUID, body: Cancellation
) -> Response:
    """Give up a batch that is not signed; the amounts are balances again."""
    return await _ask(context, caller, pool_id, batch_id, "cancel", reason=body.reason)


async def _ask(
    context: Context,
    caller: Caller,
    pool_uid: UUID,
    batch_id: UUID | None,
    action: str,
    **arguments: Any,
) -> Response:
    pool = await _pool(context, caller, pool_uid)
    if batch_id is not None:
        await _batch(context, pool, batch_id)
    row = await payout_batches.ask(
        context.database,
        pool.id,
        action,
        batch_id=batch_id,
        arguments=arguments,
        who=caller.name,
    )
    return json_response(PayoutRequest.from_row(row), 202 if row["outcome"] is None else 200)


async def _pool(context: Context, caller: Caller, uid: UUID) -> Entity:
    return await entity_for(context, caller, kind=EntityKind.POOL, uid=uid, action=Action.PAY)


async def _batch(context: Context, pool: Entity, batch_id: UUID) -> Row:
    row = await payout_batches.find(context.database, pool.id, batch_id)
    if row is None:
        raise NotFoundError("no such batch")
    return row
