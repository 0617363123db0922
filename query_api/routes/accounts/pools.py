"""Pools: the object, its operators, and adding a miner to it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.entities import Miner, Operator, OperatorList, Pool
from query_api.contract.requests import NewMiner
from query_api.contract.responses import CONFLICT, TABLE_TOO
from query_api.contract.shape import page_of
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_response
from query_api.http.tables import TableRoute
from query_api.routes.accounts.miners import created_miner
from query_api.routes.params import Limit, Offset
from query_api.store import accounts
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}", tags=["pools"], route_class=TableRoute)
POOL = EntityKind.POOL


@router.get("", response_model=Pool)
async def pool(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """A pool, with how many workers it has."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.READ_ENTITY)
    row = await accounts.pool(context.database, found.uid)
    assert row is not None  # pools are never deleted
    return json_response(Pool.from_row(row))


@router.get("/operators", response_model=OperatorList, responses=TABLE_TOO)
async def pool_operators(
    context: Ctx, caller: Who, pool_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The pool's operators, by title."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.READ_ENTITY)
    rows, total = await accounts.operators(context.database, found.id, limit=limit, offset=offset)
    items = [Operator.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/miners", response_model=Miner, responses=CONFLICT)
async def add_pool_miner(context: Ctx, caller: Who, pool_id: UUID, body: NewMiner) -> Response:
    """Add a miner to the pool; `email` is invited to own it."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.CHANGE)
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=body.title,
        pool_id=found.id,
        operator_id=None,
        invite=context.invitations.to_own(body.email, by=caller.user_uid),
        first_fee=None if body.rate is None else ("miner_pool", body.rate, caller.name),
    )
    return await created_miner(context, uid)
