"""What a miner gives away: its hashrate transfers, with their sums."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from query_api import telemetry
from query_api.access import entity_for
from query_api.auth.rights import Action
from query_api.context import Ctx, Who
from query_api.payload import boundary_item, page_of
from query_api.respond import json_as_known
from query_api.routes.params import Limit, Offset, PeriodParam
from query_api.store import boundary
from query_api.store.boundary import TransferQuery, TransferSort, TransferStatus
from query_api.store.telemetry import Subject
from query_api.store.workers import Direction
from query_api.telemetry import Asked
from schemas.access import EntityKind

router = APIRouter(prefix="/miners", tags=["boundary workers"])


@router.get("/{miner_id}/hashrate-transfers")
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
    items = [boundary_item(row) for row in rows]
    page = page_of(items, limit=limit, offset=offset, total_count=total_count)
    return await json_as_known(context, page)


@router.get("/{miner_donor_id}/boundary-workers/stats")
async def donor_stats(request: Request, caller: Who, miner_donor_id: UUID) -> Response:
    """Summed stats of the boundary workers of which the miner is donor."""
    asked = Asked(request, caller, Subject.DONOR, (miner_donor_id,), single=True)
    return await telemetry.stats(asked)


@router.get("/{miner_donor_id}/boundary-workers/charts")
async def donor_chart(
    request: Request, caller: Who, miner_donor_id: UUID, period: PeriodParam
) -> Response:
    """Summed chart of the boundary workers of which the miner is donor."""
    asked = Asked(request, caller, Subject.DONOR, (miner_donor_id,), single=True)
    return await telemetry.chart(asked, period)
