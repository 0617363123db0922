"""Stats, charts and rejects of miners by their ids."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from query_api import telemetry
from query_api.context import Who
from query_api.routes.params import Ids, PeriodParam, distinct
from query_api.store.telemetry import Subject
from query_api.telemetry import Asked

router = APIRouter(prefix="/miners", tags=["miners"])


@router.get("/stats")
async def miners_stats(request: Request, caller: Who, ids: Ids) -> Response:
    """Stats over 15 minutes, 1 hour, 1 day and 1 week for the listed miners."""
    return await telemetry.stats(Asked(request, caller, Subject.MINER, distinct(ids)))


@router.get("/charts")
async def miners_charts(request: Request, caller: Who, period: PeriodParam, ids: Ids) -> Response:
    """Charts for the listed miners. A miner that cannot be served is `not_found` under its id."""
    asked = Asked(request, caller, Subject.MINER, distinct(ids))
    return await telemetry.chart(asked, period)


@router.get("/rejects")
async def miners_rejects(request: Request, caller: Who, period: PeriodParam, ids: Ids) -> Response:
    """Rejected work by reason over the period, in hashes per second, for the listed miners."""
    asked = Asked(request, caller, Subject.MINER, distinct(ids))
    return await telemetry.rejects(asked, period)
