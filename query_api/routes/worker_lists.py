"""Lists of workers and their counts by status, for a miner, an operator and a pool."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from query_api import large_lists
from query_api.access import entity_for
from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.context import Context, Ctx, Who
from query_api.payload import page_of, worker_item
from query_api.respond import json_as_of
from query_api.routes.params import Limit, Offset
from query_api.store import entities
from query_api.store.workers import Direction, WorkerQuery, WorkerSort
from schemas.access import EntityKind
from schemas.share import WORKER_NAME_MAX
from schemas.worker import Behavior, WorkerStatus

router = APIRouter()


async def worker_query(
    status: Annotated[
        list[WorkerStatus] | None, Query(description="Repeated; none: all but removed.")
    ] = None,
    behavior: Annotated[list[Behavior] | None, Query(description="Repeated; none: both.")] = None,
    sort_by: Annotated[
        WorkerSort,
        Query(alias="sort-by", description="`default`: unavailable, off, stable, removed."),
    ] = WorkerSort.DEFAULT,
    sort_direction: Annotated[Direction, Query(alias="sort-direction")] = Direction.ASC,
    search: Annotated[
        str,
        Query(
            max_length=WORKER_NAME_MAX,
            pattern=r"^[^\x00]*$",
            description="A part of the name, in any case.",
        ),
    ] = "",
    limit: Limit = 10,
    offset: Offset = 0,
) -> WorkerQuery:
    return WorkerQuery(status or (), behavior or (), sort_by, sort_direction, search, limit, offset)


Wanted = Annotated[WorkerQuery, Depends(worker_query)]


async def _list(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, query: WorkerQuery
) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_TELEMETRY)
    page = await large_lists.page(context, entity, query)
    body = page_of(
        [worker_item(row) for row in page.rows],
        limit=query.limit,
        offset=query.offset,
        total_count=page.total_count,
    )
    return json_as_of(context, page.beat, body)


async def _counts(context: Context, caller: Caller, *, kind: EntityKind, uid: UUID) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_TELEMETRY)
    found = await entities.status_counts(context.database, entity)
    return json_as_of(context, found.beat, found.counts)


@router.get("/miners/{miner_id}/workers", tags=["miners"])
async def miner_workers(context: Ctx, caller: Who, miner_id: UUID, query: Wanted) -> Response:
    """A miner's workers."""
    return await _list(context, caller, kind=EntityKind.MINER, uid=miner_id, query=query)


@router.get("/operators/{operator_id}/workers", tags=["operators"])
async def operator_workers(context: Ctx, caller: Who, operator_id: UUID, query: Wanted) -> Response:
    """The workers of all of an operator's miners."""
    return await _list(context, caller, kind=EntityKind.OPERATOR, uid=operator_id, query=query)


@router.get("/pools/{pool_id}/workers", tags=["pools"])
async def pool_workers(context: Ctx, caller: Who, pool_id: UUID, query: Wanted) -> Response:
    """The workers of the whole pool."""
    return await _list(context, caller, kind=EntityKind.POOL, uid=pool_id, query=query)


@router.get("/miners/{miner_id}/workers/stats", tags=["miners"])
async def miner_worker_counts(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """How many of a miner's workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.MINER, uid=miner_id)


@router.get("/operators/{operator_id}/workers/stats", tags=["operators"])
async def operator_worker_counts(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """How many of an operator's hardware workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.OPERATOR, uid=operator_id)


@router.get("/pools/{pool_id}/workers/stats", tags=["pools"])
async def pool_worker_counts(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """How many of a pool's hardware workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.POOL, uid=pool_id)
