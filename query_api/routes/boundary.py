"""Boundary workers: hashrate that one miner gives another on paper."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.access import entity_for
from query_api.auth.caller import Caller, Scope, worker_scopes
from query_api.auth.rights import Action
from query_api.bodies import ChangedBoundaryWorker, NewBoundaryWorker
from query_api.context import Context, Ctx, Who
from query_api.database import Row
from query_api.errors import InvalidInputError, NotFoundError
from query_api.payload import boundary_item
from query_api.respond import json_as_known, no_content
from query_api.store import boundary, entities
from schemas.access import EntityKind

router = APIRouter(prefix="/workers/boundary", tags=["boundary workers"])


@router.post("", status_code=201)
async def create_boundary_worker(context: Ctx, caller: Who, body: NewBoundaryWorker) -> Response:
    """Create a boundary worker, in force at once. Needs admin rights on the donor."""
    donor = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=body.donor_miner_id, action=Action.CHANGE
    )
    if body.recipient_miner_id == body.donor_miner_id:
        raise InvalidInputError("body recipient_miner_id: must differ from donor_miner_id")
    recipient = await entities.find(context.database, EntityKind.MINER, body.recipient_miner_id)
    if recipient is None or recipient.scope.pool_id != donor.scope.pool_id:
        raise NotFoundError("body recipient_miner_id: no such miner")
    uid = await boundary.create(
        context.database,
        name=body.name,
        recipient_id=recipient.id,
        donor_id=donor.id,
        hashrate=body.hashrate,
    )
    item = boundary_item(await _existing(context, caller, uid))
    return await json_as_known(context, item, 201)


@router.get("/{worker_id}")
async def boundary_worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """Read a boundary worker, from the donor's or the recipient's side."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    return await json_as_known(context, boundary_item(row))


@router.put("/{worker_id}", operation_id="put_boundary_worker")
@router.patch("/{worker_id}")
async def change_boundary_worker(
    context: Ctx, caller: Who, worker_id: UUID, body: ChangedBoundaryWorker
) -> Response:
    """Change the nominal hashrate, from the next 00:00 UTC. Needs admin rights on the donor."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.CHANGE, _donor(row))
    await boundary.change_hashrate(context.database, row["id"], body.hashrate)
    item = boundary_item(await _existing(context, caller, worker_id))
    return await json_as_known(context, item)


@router.delete("/{worker_id}", status_code=204)
async def disconnect_boundary_worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """Disconnect it: its status becomes `off`, its history stays."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.CHANGE, _donor(row))
    await boundary.disconnect(context.database, row["id"])
    return no_content()


async def _existing(context: Context, caller: Caller, uid: UUID) -> Row:
    row = await boundary.find(context.database, uid)
    if row is None:
        caller.refuse_missing("boundary worker")
    return row


def _donor(row: Row) -> Scope:
    return Scope(row["donor_pool_id"], row["donor_operator_id"], row["donor_id"])
