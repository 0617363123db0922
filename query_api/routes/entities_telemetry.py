"""Stats and charts of one operator or pool, whose id stands in the path."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from query_api import telemetry
from query_api.auth.rights import Action
from query_api.context import Who
from query_api.routes.params import PeriodParam
from query_api.store.telemetry import Subject
from query_api.telemetry import Asked

router = APIRouter()


@router.get("/operators/{operator_id}/stats", tags=["operators"])
async def operator_stats(request: Request, caller: Who, operator_id: UUID) -> Response:
    """Stats of an operator: hardware workers of all its miners."""
    asked = Asked(request, caller, Subject.OPERATOR, (operator_id,), single=True)
    return await telemetry.stats(asked)


@router.get("/operators/{operator_id}/charts", tags=["operators"])
async def operator_chart(
    request: Request, caller: Who, operator_id: UUID, period: PeriodParam
) -> Response:
    """Chart of an operator: hardware workers of all its miners."""
    asked = Asked(request, caller, Subject.OPERATOR, (operator_id,), single=True)
    return await telemetry.chart(asked, period)


@router.get("/pools/{pool_id}/stats", tags=["pools"])
async def pool_stats(request: Request, caller: Who, pool_id: UUID) -> Response:
    """Stats of a pool, for its owner, accountant and admin."""
    asked = Asked(
        request,
        caller,
        Subject.POOL,
        (pool_id,),
        single=True,
        action=Action.READ_POOL_STATS,
    )
    return await telemetry.stats(asked)


@router.get("/pools/{pool_id}/charts", tags=["pools"])
async def pool_chart(request: Request, caller: Who, pool_id: UUID, period: PeriodParam) -> Response:
    """Chart of a pool: all its hardware workers."""
    asked = Asked(request, caller, Subject.POOL, (pool_id,), single=True)
    return await telemetry.chart(asked, period)
