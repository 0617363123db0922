"""Stats, charts and rejects of workers by their ids."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from query_api.contract.figures import Charts, RejectCharts, RejectsById, StatsById
from query_api.contract.responses import CONDITIONAL, CONDITIONAL_TABLE
from query_api.dependencies import Who
from query_api.http.responses import respond
from query_api.http.tables import TableRoute
from query_api.routes.params import Ids, ReachParam, RunningParam, distinct
from query_api.store.telemetry import Subject
from query_api.telemetry.query import ChartQuery, RejectChartQuery, RejectsQuery, StatsQuery

router = APIRouter(prefix="/workers", tags=["workers"], route_class=TableRoute)


@router.get("/stats", response_model=StatsById, responses=CONDITIONAL)
async def workers_stats(request: Request, caller: Who, ids: Ids) -> Response:
    """Stats over 15 minutes, 1 hour, 1 day and 1 week for the listed workers, in whole hashes per
    second, cut."""
    return await respond(request, caller, StatsQuery(Subject.WORKER, distinct(ids)))


@router.get("/charts", response_model=Charts, responses=CONDITIONAL_TABLE)
async def workers_charts(
    request: Request,
    caller: Who,
    ids: Ids,
    reach: ReachParam,
    running: RunningParam = False,
) -> Response:
    """Charts for the listed workers. A worker that cannot be served is `not_found` under its id."""
    query = ChartQuery(Subject.WORKER, distinct(ids), reach, running)
    return await respond(request, caller, query)


@router.get("/rejects", response_model=RejectsById, responses=CONDITIONAL)
async def workers_rejects(
    request: Request,
    caller: Who,
    ids: Ids,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over the span, in hashes per second, for the listed workers."""
    query = RejectsQuery(Subject.WORKER, distinct(ids), reach)
    return await respond(request, caller, query)


@router.get("/rejects/charts", response_model=RejectCharts, responses=CONDITIONAL_TABLE)
async def workers_reject_charts(
    request: Request,
    caller: Who,
    ids: Ids,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over time, in hashes per second, for the listed workers."""
    query = RejectChartQuery(Subject.WORKER, distinct(ids), reach)
    return await respond(request, caller, query)
