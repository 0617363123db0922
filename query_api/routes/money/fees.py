"""What a miner pays to its pool and to its operator; what new miners of an operator will pay."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.fees import (
    DefaultFee,
    FeeHistory,
    FeePeriod,
    FeeSchedule,
    NewDefaultFee,
    NewFeeSchedule,
    NewTariffPlan,
    TariffPlan,
)
from query_api.dependencies import Context, Ctx, Who
from query_api.http.responses import json_response
from query_api.routes.money import fee_answers
from query_api.routes.params import Limit, Offset
from query_api.store import entities
from query_api.store.entities import Entity
from query_api.store.money import fees
from query_api.store.money.fees import FeeKey, Relation
from schemas.access import EntityKind
from schemas.money import decimal_text

router = APIRouter(tags=["fees"])
MINER, OPERATOR = EntityKind.MINER, EntityKind.OPERATOR


@router.get("/miners/{miner_id}/fees", response_model=FeeSchedule)
async def miner_fees(
    context: Ctx, caller: Who, miner_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Miner→pool commission changes, the earliest first."""
    key = await _pool_key(context, caller, miner_id, Action.READ_TERMS)
    return await fee_answers.schedule_page(context, key, limit=limit, offset=offset)


@router.post("/miners/{miner_id}/fees", status_code=204)
async def set_miner_fees(
    context: Ctx, caller: Who, miner_id: UUID, body: NewFeeSchedule
) -> Response:
    """Replace the coming miner→pool commissions, from the first date on. By the pool."""
    key = await _pool_key(context, caller, miner_id, Action.CHANGE_POOL_FEE)
    return await fee_answers.change_schedule(context, caller, key, body)


@router.get("/miners/{miner_id}/fees/current", response_model=FeePeriod)
async def current_miner_fee(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """The miner→pool commission in force."""
    key = await _pool_key(context, caller, miner_id, Action.READ_TERMS)
    return await fee_answers.current_fee(context, key)


@router.get("/miners/{miner_id}/fees/history", response_model=FeeHistory)
async def miner_fee_history(
    context: Ctx, caller: Who, miner_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Who entered which miner→pool commission and when, the newest first. Beyond the document."""
    key = await _pool_key(context, caller, miner_id, Action.READ_TERMS)
    return await fee_answers.history_page(context, key, limit=limit, offset=offset)


@router.get("/miners/{miner_id}/tariff-plan", response_model=TariffPlan, deprecated=True)
async def miner_tariff_plan(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """Use `GET /miners/{miner_id}/fees`: this shows the same schedule."""
    key = await _pool_key(context, caller, miner_id, Action.READ_TERMS)
    return await fee_answers.tariff_plan(context, key)


@router.put("/miners/{miner_id}/tariff-plan", response_model=TariffPlan, deprecated=True)
async def set_miner_tariff_plan(
    context: Ctx, caller: Who, miner_id: UUID, body: NewTariffPlan
) -> Response:
    """Use `POST /miners/{miner_id}/fees`: this sets a fee from the next 00:00 UTC."""
    key = await _pool_key(context, caller, miner_id, Action.CHANGE_POOL_FEE)
    return await fee_answers.change_tariff_plan(context, caller, key, body)


@router.get("/operators/{operator_id}/miners/{miner_id}/fees", response_model=FeeSchedule)
async def operator_miner_fees(
    context: Ctx,
    caller: Who,
    operator_id: UUID,
    miner_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Miner→operator commission changes, the earliest first."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.READ_TERMS)
    return await fee_answers.schedule_page(context, key, limit=limit, offset=offset)


@router.post("/operators/{operator_id}/miners/{miner_id}/fees", status_code=204)
async def set_operator_miner_fees(
    context: Ctx, caller: Who, operator_id: UUID, miner_id: UUID, body: NewFeeSchedule
) -> Response:
    """Replace the coming miner→operator commissions, from the first date on. By the operator."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.CHANGE_OPERATOR_FEE)
    return await fee_answers.change_schedule(context, caller, key, body)


@router.get("/operators/{operator_id}/miners/{miner_id}/fees/current", response_model=FeePeriod)
async def current_operator_miner_fee(
    context: Ctx, caller: Who, operator_id: UUID, miner_id: UUID
) -> Response:
    """The miner→operator commission in force."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.READ_TERMS)
    return await fee_answers.current_fee(context, key)


@router.get("/operators/{operator_id}/miners/{miner_id}/fees/history", response_model=FeeHistory)
async def operator_miner_fee_history(
    context: Ctx,
    caller: Who,
    operator_id: UUID,
    miner_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Who entered which miner→operator commission and when, the newest first. Beyond the
    document."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.READ_TERMS)
    return await fee_answers.history_page(context, key, limit=limit, offset=offset)


@router.get(
    "/operators/{operator_id}/miners/{miner_id}/tariff-plan",
    response_model=TariffPlan,
    deprecated=True,
)
async def operator_miner_tariff_plan(
    context: Ctx, caller: Who, operator_id: UUID, miner_id: UUID
) -> Response:
    """Use `GET /operators/{operator_id}/miners/{miner_id}/fees`: this shows the same schedule."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.READ_TERMS)
    return await fee_answers.tariff_plan(context, key)


@router.put(
    "/operators/{operator_id}/miners/{miner_id}/tariff-plan",
    response_model=TariffPlan,
    deprecated=True,
)
async def set_operator_miner_tariff_plan(
    context: Ctx, caller: Who, operator_id: UUID, miner_id: UUID, body: NewTariffPlan
) -> Response:
    """Use `POST /operators/{operator_id}/miners/{miner_id}/fees`."""
    key = await _operator_key(context, caller, operator_id, miner_id, Action.CHANGE_OPERATOR_FEE)
    return await fee_answers.change_tariff_plan(context, caller, key, body)


@router.put("/operators/{operator_id}/default-fee", response_model=DefaultFee)
async def set_default_fee(
    context: Ctx, caller: Who, operator_id: UUID, body: NewDefaultFee
) -> Response:
    """What new miners of the operator will pay to it. Those that are there keep their fee."""
    operator = await entity_for(
        context, caller, kind=OPERATOR, uid=operator_id, action=Action.CHANGE_OPERATOR_FEE
    )
    await fees.set_default_fee(context.database, operator.id, body.fee)
    return json_response({"fee": decimal_text(body.fee)})


async def _pool_key(context: Context, caller: Caller, uid: UUID, action: Action) -> FeeKey:
    return _keys(await entity_for(context, caller, kind=MINER, uid=uid, action=action))[0]


async def _operator_key(
    context: Context, caller: Caller, operator_uid: UUID, miner_uid: UUID, action: Action
) -> FeeKey:
    operator = await entity_for(context, caller, kind=OPERATOR, uid=operator_uid, action=action)
    miner = await entities.find(context.database, MINER, miner_uid)
    if miner is None or miner.scope.operator_id != operator.id:
        caller.refuse_missing("miner of this operator")
    return _keys(miner)[1]


def _keys(miner: Entity) -> tuple[FeeKey, FeeKey]:
    """A miner's schedules towards its pool and its operator, each beside the other; without an
    operator the second is not used."""
    scope = miner.scope
    assert scope.pool_id is not None
    to_pool = FeeKey(Relation.MINER_POOL, miner.id, scope.pool_id)
    if scope.operator_id is None:
        return to_pool, to_pool
    to_operator = FeeKey(Relation.MINER_OPERATOR, miner.id, scope.operator_id)
    return replace(to_pool, beside=to_operator), replace(to_operator, beside=to_pool)
