"""What a miner gives away: its hashrate transfers, with their sums."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.figures import Chart, Stats
from query_api.contract.responses import CONDITIONAL
from query_api.contract.shape import page_of
from query_api.contract.workers import BoundaryWorker, BoundaryWorkerList
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_as_known, respond
from query_api.routes.params import Limit, Offset, ReachParam
from query_api.store import boundary
from query_api.store.boundary import TransferQuery, TransferSort, TransferStatus
from query_api.store.telemetry import Subject
from query_api.store.workers import Direction
from query_api.telemetry.query import ChartQuery, StatsQuery
from schemas.access import EntityKind

router = APIRouter(prefix="/miners", tags=["boundary workers"])


@router.get("/{miner_id}/hashrate-transfers", response_model=BoundaryWorkerList)
async def hashrate_transfers(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    status: Annotated[
        list[TransferStatus] | None, Query(description="Repeated; none: both.")
    ] = None,
    sort_by: Annotated[TransferSort, Query(alias="sort-by")] = TransferSort.DEFAULT,
    sort_direction: Annotated[Direction, Query(alias="sort-direction")] = Direction.ASC,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """The boundary workers that the miner gives. `default`: those in force first, by name."""
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_id, action=Action.READ_TELEMETRY
    )
    query = TransferQuery(status or (), sort_by, sort_direction, limit, offset)
    rows, total_count = await boundary.transfers(context.database, miner.id, query)
    items = [BoundaryWorker.from_row(row) for row in rows]
    page = page_of(items, limit=limit, offset=offset, total_count=total_count)
    return await json_as_known(context, page)


@router.get("/{miner_donor_id}/boundary-workers/stats", response_model=Stats, responses=CONDITIONAL)
async def donor_stats(request: Request, caller: Who, miner_donor_id: UUID) -> Response:
    """Summed stats of the boundary workers of which the miner is donor."""
    return await respond(request, caller, StatsQuery(Subject.DONOR, (miner_donor_id,)))


@router.get(
    "/{miner_donor_id}/boundary-workers/charts", response_model=Chart, responses=CONDITIONAL
)
async def donor_chart(
    request: Request,
    caller: Who,
    miner_donor_id: UUID,
    reach: ReachParam,
) -> Response:
    """Summed chart of the boundary workers of which the miner is donor."""
    query = ChartQuery(Subject.DONOR, (miner_donor_id,), reach)
    return await respond(request, caller, query)
