"""Boundary workers: hashrate that one miner gives another on paper."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller, Scope, scope_of, worker_scopes
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.requests import ChangedBoundaryWorker, NewBoundaryWorker
from query_api.contract.responses import CONFLICT
from query_api.contract.workers import BoundaryWorker
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import InvalidInputError, NotFoundError
from query_api.http.responses import json_as_known, no_content
from query_api.store import boundary
from query_api.store.entities import Entity
from schemas.access import EntityKind

router = APIRouter(prefix="/workers/boundary", tags=["boundary workers"])


@router.post("", response_model=BoundaryWorker, responses=CONFLICT)
async def create_boundary_worker(context: Ctx, caller: Who, body: NewBoundaryWorker) -> Response:
    """Create a boundary worker, in force at once. Needs admin rights on the donor, and on the
    recipient, too, unless the donor made the recipient or both are under the same operator."""
    donor = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=body.donor_miner_id, action=Action.CHANGE
    )
    if body.recipient_miner_id == body.donor_miner_id:
        raise InvalidInputError("body recipient_miner_id: must differ from donor_miner_id")
    recipient = await boundary.recipient(context.database, body.recipient_miner_id)
    if recipient is None:
        caller.refuse_missing("miner")
    if not _consents(donor, recipient):
        caller.require(Action.CHANGE, scope_of(recipient))
    if recipient["pool_id"] != donor.scope.pool_id:
        raise NotFoundError("body recipient_miner_id: no such miner in this pool")
    uid = await boundary.create(
        context.database,
        name=body.name,
        recipient_id=recipient["id"],
        donor_id=donor.id,
        hashrate=body.hashrate,
        limits=context.config.boundary,
    )
    item = BoundaryWorker.from_row(await _existing(context, caller, uid))
    return await json_as_known(context, item)


@router.get("/{worker_id}", response_model=BoundaryWorker)
async def boundary_worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """Read a boundary worker, from the donor's or the recipient's side."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    return await json_as_known(context, BoundaryWorker.from_row(row))


@router.put(
    "/{worker_id}",
    operation_id="put_boundary_worker",
    response_model=BoundaryWorker,
    responses=CONFLICT,
)
@router.patch("/{worker_id}", response_model=BoundaryWorker, responses=CONFLICT)
async def change_boundary_worker(
    context: Ctx, caller: Who, worker_id: UUID, body: ChangedBoundaryWorker
) -> Response:
    """Change the nominal hashrate, from the next 00:00 UTC. Needs admin rights on the donor."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.CHANGE, _donor(row))
    await boundary.change_hashrate(context.database, row["id"], body.hashrate)
    item = BoundaryWorker.from_row(await _existing(context, caller, worker_id))
    return await json_as_known(context, item)


@router.delete("/{worker_id}", status_code=204)
async def disconnect_boundary_worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """Disconnect it, from the donor's or the recipient's side: its status becomes `off`, its
    history stays."""
    row = await _existing(context, caller, worker_id)
    caller.require(Action.CHANGE, *worker_scopes(row))
    await boundary.disconnect(context.database, row["id"])
    return no_content()


async def _existing(context: Context, caller: Caller, uid: UUID) -> Row:
    row = await boundary.find(context.database, uid)
    if row is None:
        caller.refuse_missing("boundary worker")
    return row


def _consents(donor: Entity, recipient: Row) -> bool:
    """Nobody gives hashrate to a stranger, who would have to pay for it."""
    operator_id: int | None = recipient["operator_id"]
    same_operator = operator_id is not None and operator_id == donor.scope.operator_id
    made_by: int | None = recipient["made_by"]
    return same_operator or made_by == donor.id


def _donor(row: Row) -> Scope:
    return Scope(row["donor_pool_id"], row["donor_operator_id"], row["donor_id"])
