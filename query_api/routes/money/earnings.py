"""Balances, what was earned, and what is in processing."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.earnings import Amounts, Processing
from query_api.dependencies import Context, Ctx, Who
from query_api.http.responses import json_response
from query_api.store import entities
from query_api.store.entities import Entity
from query_api.store.money import earnings, payments
from schemas.access import EntityKind

router = APIRouter(tags=["earnings"])
MINER, OPERATOR, POOL = EntityKind.MINER, EntityKind.OPERATOR, EntityKind.POOL


@router.get("/miners/{miner_id}/balance", response_model=Amounts)
async def miner_balance(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """What is owed to the miner and not on its way to the chain yet. Beyond the document."""
    miner = await _readable(context, caller, MINER, miner_id)
    return json_response(Amounts.of(await payments.balance_sat(context.database, miner.id)))


@router.get("/miners/{miner_id}/earned-all-time", response_model=Amounts)
async def miner_earned_all_time(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """All that mining brought to the miner. Beyond the document."""
    miner = await _readable(context, caller, MINER, miner_id)
    return json_response(Amounts.of(await payments.earned_sat(context.database, miner.id)))


@router.get("/miners/{miner_id}/processing-earnings", response_model=Processing)
async def miner_processing_earnings(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """An estimate of what is not booked yet, after fees, at the newest rate."""
    return await _processing(context, caller, MINER, miner_id)


@router.get("/operators/{operator_id}/processing-earnings", response_model=Processing)
async def operator_processing_earnings(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """An estimate of the commissions that are not booked yet."""
    return await _processing(context, caller, OPERATOR, operator_id)


@router.get("/pools/{pool_id}/processing-earnings", response_model=Processing)
async def pool_processing_earnings(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """An estimate of the commissions that are not booked yet."""
    return await _processing(context, caller, POOL, pool_id)


@router.get("/miners/{miner_id}/today-earnings", response_model=Amounts, deprecated=True)
async def miner_today_earnings(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """Use `GET /miners/{miner_id}/processing-earnings`."""
    return await _today(context, caller, MINER, miner_id)


@router.get("/operators/{operator_id}/today-earnings", response_model=Amounts, deprecated=True)
async def operator_today_earnings(context: Ctx, caller: Who, operator_id: UUID) -> Response:
    """Use `GET /operators/{operator_id}/processing-earnings`."""
    return await _today(context, caller, OPERATOR, operator_id)


@router.get("/pools/{pool_id}/today-earnings", response_model=Amounts, deprecated=True)
async def pool_today_earnings(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """Use `GET /pools/{pool_id}/processing-earnings`."""
    return await _today(context, caller, POOL, pool_id)


@router.get("/pools/{pool_id}/miners/{miner_id}/earned-all-time", response_model=Amounts)
async def pool_earned_all_time(
    context: Ctx, caller: Who, pool_id: UUID, miner_id: UUID
) -> Response:
    """The pool's commissions from one miner, also from one that has left it since, less what a
    referrer got of them."""
    pool = await _readable(context, caller, POOL, pool_id)
    miner = await entities.find(context.database, MINER, miner_id)
    if miner is None:
        caller.refuse_missing("miner of this pool")
    earned_sat = await payments.pool_earned_sat(context.database, miner.id, pool.id)
    if not earned_sat and miner.scope.pool_id != pool.id:
        caller.refuse_missing("miner of this pool")
    return json_response(Amounts.of(earned_sat))


@router.get("/operators/{operator_id}/miners/{miner_id}/earned-all-time", response_model=Amounts)
async def operator_earned_all_time(
    context: Ctx, caller: Who, operator_id: UUID, miner_id: UUID
) -> Response:
    """The operator's commissions from one miner, also from one that has left it since."""
    operator = await _readable(context, caller, OPERATOR, operator_id)
    miner = await entities.find(context.database, MINER, miner_id)
    if miner is None or miner.scope.pool_id != operator.scope.pool_id:
        caller.refuse_missing("miner of this operator")
    earned_sat = await payments.operator_earned_sat(context.database, miner.id, operator.id)
    return json_response(Amounts.of(earned_sat))


async def _readable(context: Context, caller: Caller, kind: EntityKind, uid: UUID) -> Entity:
    return await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_PAYMENTS)


async def _processing(context: Context, caller: Caller, kind: EntityKind, uid: UUID) -> Response:
    found = await _readable(context, caller, kind, uid)
    coming = await earnings.in_processing(context.database, found)
    return json_response(
        Processing.of(yesterday_sat=coming.yesterday_sat, today_sat=coming.today_sat)
    )


async def _today(context: Context, caller: Caller, kind: EntityKind, uid: UUID) -> Response:
    found = await _readable(context, caller, kind, uid)
    return json_response(Amounts.of(await earnings.today_sat(context.database, found)))
