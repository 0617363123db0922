"""Operators: the object and its miners."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.access import entity_for
from query_api.auth.rights import Action
from query_api.bodies import NewOperatorMiner
from query_api.context import Ctx, Who
from query_api.payload import miner_item, operator_item, page_of
from query_api.respond import json_response
from query_api.routes.miners import created_miner
from query_api.routes.params import Limit, Offset
from query_api.store import accounts
from schemas.access import EntityKind

router = APIRouter(prefix="/operators/{operator_id}", tags=["operators"])
OPERATOR = EntityKind.OPERATOR


@router.get("")
async def operator(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """An operator, with how many miners and workers it has."""
    found = await entity_for(
        context, caller, kind=OPERATOR, uid=operator_id, action=Action.READ_ENTITY
    )
    row = await accounts.operator(context.database, found.uid)
    assert row is not None  # operators are never deleted
    return json_response(operator_item(row))


@router.get("/miners")
async def operator_miners(
    context: Ctx, caller: Who, operator_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The operator's miners, by account name."""
    found = await entity_for(
        context, caller, kind=OPERATOR, uid=operator_id, action=Action.READ_ENTITY
    )
    rows, total = await accounts.miners(
        context.database, operator_id=found.id, limit=limit, offset=offset
    )
    items = [miner_item(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/miners", status_code=201)
async def add_operator_miner(
    context: Ctx, caller: Who, operator_id: UUID, body: NewOperatorMiner
) -> Response:
    """Add a miner to the operator; `email` becomes its owner."""
    found = await entity_for(context, caller, kind=OPERATOR, uid=operator_id, action=Action.CHANGE)
    assert found.scope.pool_id is not None
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=None,
        pool_id=found.scope.pool_id,
        operator_id=found.id,
        owner_email=body.email,
    )
    return await created_miner(context, uid)
