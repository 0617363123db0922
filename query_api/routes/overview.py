"""A pool at a glance, for the dashboard's first page. Beyond the seed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from query_api import figures
from query_api.access import entity_for
from query_api.auth.rights import Action
from query_api.context import Ctx, Who
from query_api.database import Row
from query_api.payload import event_item, miner_brief, time_text
from query_api.respond import json_as_known
from query_api.store import overview as store
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}", tags=["pools"])


@router.get("/overview")
async def pool_overview(context: Ctx, caller: Who, pool_id: UUID) -> Response:
    """Since when the pool mines, its largest miners, the biggest drops of the last hour (15m
    against 1h), the latest changes of status, and how fresh the figures are."""
    pool = await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.READ_POOL_STATS
    )
    found = await store.overview(context.database, pool.id)
    health = found.health
    return await json_as_known(
        context,
        {
            "since": time_text(found.since),
            "top_miners": [_miner(row) for row in found.top_miners],
            "biggest_drops": [_miner(row) for row in found.biggest_drops],
            "events": [event_item(row) for row in found.events],
            "service": {
                "stream_time": time_text(health["stream_time"]),
                "complete_to": time_text(health["complete_to"]),
                "beat_at": time_text(health["beat_at"]),
                "last_flush_at": time_text(health["last_flush_at"]),
                "partitions": health["partitions"],
                "caught_up": health["caught_up"],
            },
        },
    )


def _miner(row: Row) -> dict[str, Any]:
    return miner_brief({**row, "miner_uid": row["uid"]}) | {
        "workers": int(row["workers"]),
        "stats": orjson.Fragment(figures.stats_of(figures.sums_of(row))),
    }
