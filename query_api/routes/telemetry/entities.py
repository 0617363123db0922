"""Stats, charts and rejects of one operator or pool, whose id stands in the path."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from query_api.auth.rights import Action
from query_api.contract.figures import Chart, Reasons, RejectChart, Stats
from query_api.contract.responses import CONDITIONAL, CONDITIONAL_TABLE
from query_api.dependencies import Who
from query_api.http.responses import respond
from query_api.http.tables import TableRoute
from query_api.routes.params import ReachParam, RunningParam
from query_api.store.telemetry import Subject
from query_api.telemetry.query import ChartQuery, RejectChartQuery, RejectsQuery, StatsQuery

router = APIRouter(route_class=TableRoute)


@router.get(
    "/operators/{operator_id}/stats",
    tags=["operators"],
    response_model=Stats,
    responses=CONDITIONAL,
)
async def operator_stats(request: Request, caller: Who, operator_id: UUID) -> Response:
    """Stats of an operator: hardware workers of all its miners."""
    return await respond(request, caller, StatsQuery(Subject.OPERATOR, (operator_id,)))


@router.get(
    "/operators/{operator_id}/charts",
    tags=["operators"],
    response_model=Chart,
    responses=CONDITIONAL_TABLE,
)
async def operator_chart(
    request: Request,
    caller: Who,
    operator_id: UUID,
    reach: ReachParam,
    running: RunningParam = False,
) -> Response:
    """Chart of an operator: hardware workers of all its miners."""
    query = ChartQuery(Subject.OPERATOR, (operator_id,), reach, running)
    return await respond(request, caller, query)


@router.get("/pools/{pool_id}/stats", tags=["pools"], response_model=Stats, responses=CONDITIONAL)
async def pool_stats(request: Request, caller: Who, pool_id: UUID) -> Response:
    """Stats of a pool, for its owner, accountant and admin."""
    query = StatsQuery(Subject.POOL, (pool_id,))
    return await respond(request, caller, query, action=Action.READ_POOL_STATS)


@router.get(
    "/pools/{pool_id}/charts", tags=["pools"], response_model=Chart, responses=CONDITIONAL_TABLE
)
async def pool_chart(
    request: Request,
    caller: Who,
    pool_id: UUID,
    reach: ReachParam,
    running: RunningParam = False,
) -> Response:
    """Chart of a pool: all its hardware workers."""
    query = ChartQuery(Subject.POOL, (pool_id,), reach, running)
    return await respond(request, caller, query)


@router.get(
    "/operators/{operator_id}/rejects",
    tags=["operators"],
    response_model=Reasons,
    responses=CONDITIONAL,
)
async def operator_rejects(
    request: Request,
    caller: Who,
    operator_id: UUID,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over the span, in hashes per second."""
    query = RejectsQuery(Subject.OPERATOR, (operator_id,), reach)
    return await respond(request, caller, query)


@router.get(
    "/operators/{operator_id}/rejects/charts",
    tags=["operators"],
    response_model=RejectChart,
    responses=CONDITIONAL_TABLE,
)
async def operator_reject_chart(
    request: Request,
    caller: Who,
    operator_id: UUID,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over time, in hashes per second."""
    query = RejectChartQuery(Subject.OPERATOR, (operator_id,), reach)
    return await respond(request, caller, query)


@router.get(
    "/pools/{pool_id}/rejects",
    tags=["pools"],
    response_model=Reasons,
    responses=CONDITIONAL,
)
async def pool_rejects(
    request: Request,
    caller: Who,
    pool_id: UUID,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over the span, in hashes per second."""
    query = RejectsQuery(Subject.POOL, (pool_id,), reach)
    return await respond(request, caller, query)


@router.get(
    "/pools/{pool_id}/rejects/charts",
    tags=["pools"],
    response_model=RejectChart,
    responses=CONDITIONAL_TABLE,
)
async def pool_reject_chart(
    request: Request,
    caller: Who,
    pool_id: UUID,
    reach: ReachParam,
) -> Response:
    """Rejected work by reason over time, in hashes per second."""
    query = RejectChartQuery(Subject.POOL, (pool_id,), reach)
    return await respond(request, caller, query)
