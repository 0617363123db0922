"""Lists of miners of a pool and of an operator, and how many have workers in which status."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.entities import Miner, MinerList
from query_api.contract.figures import Counts
from query_api.contract.responses import TABLE_TOO
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.responses import json_response
from query_api.http.tables import TableRoute
from query_api.routes.params import Limit, Offset
from query_api.store import accounts
from query_api.store.accounts import MinerQuery, MinerSort
from query_api.store.workers import Direction
from schemas.access import EntityKind
from schemas.names.titles import TITLE_MAX
from schemas.worker import WorkerStatus

router = APIRouter(route_class=TableRoute)


async def miner_query(
    status: Annotated[
        list[WorkerStatus] | None,
        Query(description="Miners with workers in one of these; repeated. None: all miners."),
    ] = None,
    sort_by: Annotated[MinerSort, Query(alias="sort-by")] = MinerSort.NAME,
    sort_direction: Annotated[Direction, Query(alias="sort-direction")] = Direction.ASC,
    search: Annotated[
        str,
        Query(
            max_length=TITLE_MAX,
            pattern=r"^[^\x00]*$",
            description="A part of the account name or the title, in any case.",
        ),
    ] = "",
    limit: Limit = 10,
    offset: Offset = 0,
) -> MinerQuery:
    return MinerQuery(status or (), sort_by, sort_direction, search, limit, offset)


Wanted = Annotated[MinerQuery, Depends(miner_query)]


async def _scope(
    context: Context, caller: Caller, kind: EntityKind, uid: UUID
) -> tuple[int | None, int | None]:
    """The pool or the operator whose miners are meant; the other one is None."""
    found = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_ENTITY)
    return (found.id, None) if kind is EntityKind.POOL else (None, found.id)


async def _list(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, query: MinerQuery
) -> Response:
    pool_id, operator_id = await _scope(context, caller, kind, uid)
    rows, total = await accounts.miners(
        context.database, query, pool_id=pool_id, operator_id=operator_id
    )
    items = [Miner.from_row(row) for row in rows]
    body = page_of(items, limit=query.limit, offset=query.offset, total_count=total)
    return json_response(body)


async def _counts(context: Context, caller: Caller, *, kind: EntityKind, uid: UUID) -> Response:
    pool_id, operator_id = await _scope(context, caller, kind, uid)
    found = await accounts.miners_by_status(context.database, pool_id, operator_id)
    return json_response(Counts.of(found))


@router.get(
    "/pools/{pool_id}/miners", tags=["pools"], response_model=MinerList, responses=TABLE_TOO
)
async def pool_miners(context: Ctx, caller: Who, pool_id: UUID, query: Wanted) -> Response:
    """The pool's miners, by account name unless asked otherwise."""
    return await _list(context, caller, kind=EntityKind.POOL, uid=pool_id, query=query)


@router.get(
    "/operators/{operator_id}/miners",
    tags=["operators"],
    response_model=MinerList,
    responses=TABLE_TOO,
)
async def operator_miners(context: Ctx, caller: Who, operator_id: UUID, query: Wanted) -> Response:
    """The operator's miners, by account name unless asked otherwise."""
    return await _list(context, caller, kind=EntityKind.OPERATOR, uid=operator_id, query=query)


@router.get("/pools/{pool_id}/miners/stats", tags=["pools"], response_model=Counts)
async def pool_miner_counts(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """How many of the pool's miners have workers in each status."""
    return await _counts(context, caller, kind=EntityKind.POOL, uid=pool_id)


@router.get("/operators/{operator_id}/miners/stats", tags=["operators"], response_model=Counts)
async def operator_miner_counts(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """How many of the operator's miners have workers in each status."""
    return await _counts(context, caller, kind=EntityKind.OPERATOR, uid=operator_id)
