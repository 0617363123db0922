"""Lists of workers and their counts by status, for a miner, an operator and a pool."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.figures import Counts
from query_api.contract.responses import TABLE_TOO
from query_api.contract.shape import page_of
from query_api.contract.worker_labels import GroupName, Labels, Tag
from query_api.contract.workers import ListedWorker, WorkerList
from query_api.dependencies import Context, Ctx, Who
from query_api.http.responses import json_as_of
from query_api.http.tables import TableRoute
from query_api.routes.params import Limit, Offset
from query_api.store import entities, worker_labels
from query_api.store.workers import Direction, WorkerQuery, WorkerSort
from query_api.telemetry import worker_shares
from query_api.worker_index import paging
from schemas.access import EntityKind
from schemas.share import WORKER_NAME_MAX
from schemas.worker import Behavior, WorkerStatus

router = APIRouter(route_class=TableRoute)


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
    tag: Annotated[list[Tag] | None, Query(description="Repeated: workers with all.")] = None,
    group: GroupName | None = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> WorkerQuery:
    return WorkerQuery(
        status or (),
        behavior or (),
        sort_by,
        sort_direction,
        search,
        tag or (),
        group,
        limit,
        offset,
    )


Wanted = Annotated[WorkerQuery, Depends(worker_query)]


async def _list(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, query: WorkerQuery
) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_TELEMETRY)
    sees_labels = caller.may(Action.READ_LABELS, entity.scope)
    if query.by_label:
        caller.require(Action.READ_LABELS, entity.scope)
    page = await paging.page(context, entity, query)
    ids = [row["id"] for row in page.rows]
    normals = await worker_shares.normals(context.database, page.rows, page.version)
    labels = await worker_labels.of_workers(context.database, ids) if sees_labels else {}
    body = page_of(
        [
            ListedWorker.listed(
                row,
                normals[row["id"]],
                Labels.from_row(labels.get(row["id"])) if sees_labels else None,
            )
            for row in page.rows
        ],
        limit=query.limit,
        offset=query.offset,
        total_count=page.total_count,
    )
    return json_as_of(context, page.version, body)


async def _counts(context: Context, caller: Caller, *, kind: EntityKind, uid: UUID) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_TELEMETRY)
    found = await entities.status_counts(context.database, entity)
    return json_as_of(context, found.version, found.counts)


@router.get(
    "/miners/{miner_id}/workers", tags=["miners"], response_model=WorkerList, responses=TABLE_TOO
)
async def miner_workers(context: Ctx, caller: Who, miner_id: UUID, query: Wanted) -> Response:
    """A miner's workers."""
    return await _list(context, caller, kind=EntityKind.MINER, uid=miner_id, query=query)


@router.get(
    "/operators/{operator_id}/workers",
    tags=["operators"],
    response_model=WorkerList,
    responses=TABLE_TOO,
)
async def operator_workers(context: Ctx, caller: Who, operator_id: UUID, query: Wanted) -> Response:
    """The workers of all of an operator's miners."""
    return await _list(context, caller, kind=EntityKind.OPERATOR, uid=operator_id, query=query)


@router.get(
    "/pools/{pool_id}/workers", tags=["pools"], response_model=WorkerList, responses=TABLE_TOO
)
async def pool_workers(context: Ctx, caller: Who, pool_id: UUID, query: Wanted) -> Response:
    """The workers of the whole pool."""
    return await _list(context, caller, kind=EntityKind.POOL, uid=pool_id, query=query)


@router.get("/miners/{miner_id}/workers/stats", tags=["miners"], response_model=Counts)
async def miner_worker_counts(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """How many of a miner's workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.MINER, uid=miner_id)


@router.get("/operators/{operator_id}/workers/stats", tags=["operators"], response_model=Counts)
async def operator_worker_counts(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """How many of an operator's hardware workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.OPERATOR, uid=operator_id)


@router.get("/pools/{pool_id}/workers/stats", tags=["pools"], response_model=Counts)
async def pool_worker_counts(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """How many of a pool's hardware workers are in each status."""
    return await _counts(context, caller, kind=EntityKind.POOL, uid=pool_id)
