"""Operators: the object, and adding a miner to it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.entities import Miner, Operator
from query_api.contract.requests import NewOperatorMiner
from query_api.contract.responses import CONFLICT
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_response
from query_api.routes.accounts.miners import created_miner
from query_api.store import accounts
from schemas.access import EntityKind

router = APIRouter(prefix="/operators/{operator_id}", tags=["operators"])
OPERATOR = EntityKind.OPERATOR


@router.get("", response_model=Operator)
async def operator(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """An operator, with how many miners and workers it has."""
    found = await entity_for(
        context, caller, kind=OPERATOR, uid=operator_id, action=Action.READ_ENTITY
    )
    row = await accounts.operator(context.database, found.uid)
    assert row is not None  # operators are never deleted
    return json_response(Operator.from_row(row))


@router.post("/miners", response_model=Miner, responses=CONFLICT)
async def add_operator_miner(
    context: Ctx, caller: Who, operator_id: UUID, body: NewOperatorMiner
) -> Response:
    """Add a miner to the operator; `email` is invited to own it."""
    found = await entity_for(context, caller, kind=OPERATOR, uid=operator_id, action=Action.CHANGE)
    assert found.scope.pool_id is not None
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=None,
        pool_id=found.scope.pool_id,
        operator_id=found.id,
        invite=context.invitations.to_own(body.email, by=caller.user_uid),
        first_fee=None if body.rate is None else ("miner_operator", body.rate, caller.name),
    )
    return await created_miner(context, uid)
