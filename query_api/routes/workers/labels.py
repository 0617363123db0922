"""Tags, groups and notes of workers: which there are, and changing many at once."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.responses import CONFLICT
from query_api.contract.worker_labels import ChangedLabels, LabelCounts, LabelledWorkers, Labels
from query_api.dependencies import Context, Ctx, Who
from query_api.http.responses import json_response
from query_api.store import worker_labels
from schemas.access import EntityKind
from schemas.names.natural_order import natural_key

router = APIRouter()


async def _counts(context: Context, caller: Caller, *, kind: EntityKind, uid: UUID) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_LABELS)
    rows = await worker_labels.counts(context.database, entity)
    rows = sorted(rows, key=lambda row: (natural_key(row["name"]), row["name"]))

    def of(kind: str) -> list[dict[str, object]]:
        found = [row for row in rows if row["kind"] == kind]
        return [{"name": row["name"], "workers": row["workers"]} for row in found]

    return json_response({"tags": of("tag"), "groups": of("group")})


async def _change(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, body: ChangedLabels
) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.CHANGE)
    changed = await worker_labels.change(context.database, entity, body)
    data = [{"id": str(uid), "labels": Labels.from_row(row)} for uid, row in changed.items()]
    return json_response({"data": data})


@router.get("/miners/{miner_id}/workers/labels", tags=["miners"], response_model=LabelCounts)
async def miner_label_counts(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """Tags and groups of a miner's workers, and how many have each."""
    return await _counts(context, caller, kind=EntityKind.MINER, uid=miner_id)


@router.get(
    "/operators/{operator_id}/workers/labels", tags=["operators"], response_model=LabelCounts
)
async def operator_label_counts(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """Tags and groups of an operator's workers, and how many have each."""
    return await _counts(context, caller, kind=EntityKind.OPERATOR, uid=operator_id)


@router.get("/pools/{pool_id}/workers/labels", tags=["pools"], response_model=LabelCounts)
async def pool_label_counts(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """Tags and groups of a pool's workers, and how many have each."""
    return await _counts(context, caller, kind=EntityKind.POOL, uid=pool_id)


@router.patch(
    "/miners/{miner_id}/workers/labels",
    tags=["miners"],
    response_model=LabelledWorkers,
    responses=CONFLICT,
)
async def change_miner_labels(
    context: Ctx, caller: Who, miner_id: UUID, body: ChangedLabels
) -> Response:
    """Change tags, group and note of up to 1,000 of a miner's workers: all of them or none."""
    return await _change(context, caller, kind=EntityKind.MINER, uid=miner_id, body=body)


@router.patch(
    "/operators/{operator_id}/workers/labels",
    tags=["operators"],
    response_model=LabelledWorkers,
    responses=CONFLICT,
)
async def change_operator_labels(
    context: Ctx, caller: Who, operator_id: UUID, body: ChangedLabels
) -> Response:
    """Change tags, group and note of up to 1,000 of an operator's workers: all of them or none."""
    return await _change(context, caller, kind=EntityKind.OPERATOR, uid=operator_id, body=body)


@router.patch(
    "/pools/{pool_id}/workers/labels",
    tags=["pools"],
    response_model=LabelledWorkers,
    responses=CONFLICT,
)
async def change_pool_labels(
    context: Ctx, caller: Who, pool_id: UUID, body: ChangedLabels
) -> Response:
    """Change tags, group and note of up to 1,000 of a pool's workers: all of them or none."""
    return await _change(context, caller, kind=EntityKind.POOL, uid=pool_id, body=body)
