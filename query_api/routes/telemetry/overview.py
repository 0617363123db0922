"""A pool at a glance, for the dashboard's first page."""

from __future__ import annotations

from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.events import PoolOverview, ServiceHealth, pool_event
from query_api.contract.shape import JsonObject
from query_api.contract.workers import MinerBrief
from query_api.database import Row
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_as_known
from query_api.http.timestamps import rfc3339
from query_api.store import overview as store
from query_api.telemetry import windows
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}", tags=["pools"])


@router.get("/overview", response_model=PoolOverview)
async def pool_overview(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """Since when the pool mines, its largest miners, the biggest drops of the last hour (15m
    against 1h), the latest changes of status, and how fresh the figures are."""
    pool = await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.READ_POOL_STATS
    )
    found = await store.overview(context.database, pool.id)
    return await json_as_known(
        context,
        {
            "since": rfc3339(found.since),
            "top_miners": [_miner(row) for row in found.top_miners],
            "biggest_drops": [_miner(row) for row in found.biggest_drops],
            "events": [pool_event(row) for row in found.events],
            "service": ServiceHealth.from_row(found.health),
        },
    )


def _miner(row: Row) -> JsonObject:
    return MinerBrief.from_row({**row, "miner_uid": row["uid"]}) | {
        "workers": int(row["workers"]),
        "stats": orjson.Fragment(windows.stats_of(windows.sums_of(row))),
    }
