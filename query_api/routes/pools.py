"""Pools: the object, its operators and miners."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.access import entity_for
from query_api.auth.rights import Action
from query_api.bodies import NewMiner
from query_api.context import Ctx, Who
from query_api.payload import miner_item, operator_item, page_of, pool_item, workers_summary
from query_api.respond import json_response
from query_api.routes.miners import created_miner
from query_api.routes.params import Limit, Offset
from query_api.store import accounts
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}", tags=["pools"])
POOL = EntityKind.POOL


@router.get("")
async def pool(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """A pool, with how many workers it has."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.READ_ENTITY)
    row = await accounts.pool(context.database, found.uid)
    assert row is not None  # pools are never deleted
    item = pool_item(row) | {"wallets": [], "workers": workers_summary(row["statuses"])}
    return json_response(item)


@router.get("/operators")
async def pool_operators(
    context: Ctx, caller: Who, pool_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The pool's operators, by title."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.READ_ENTITY)
    rows, total = await accounts.operators(context.database, found.id, limit=limit, offset=offset)
    items = [operator_item(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.get("/miners")
async def pool_miners(
    context: Ctx, caller: Who, pool_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The pool's miners, by account name."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.READ_ENTITY)
    rows, total = await accounts.miners(
        context.database, pool_id=found.id, limit=limit, offset=offset
    )
    items = [miner_item(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/miners", status_code=201)
async def add_pool_miner(context: Ctx, caller: Who, pool_id: UUID, body: NewMiner) -> Response:
    """Add a miner to the pool; `email` becomes its owner."""
    found = await entity_for(context, caller, kind=POOL, uid=pool_id, action=Action.CHANGE)
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=body.title,
        pool_id=found.id,
        operator_id=None,
        owner_email=body.email,
    )
    return await created_miner(context, uid)
