"""Miners that change operator or pool: noticed at the next cycle, and the windows of both sides.

Entity minutes keep the operator and the pool that the miner had then. The windows of either are the
sums of its workers of today, which is the same, unless a miner came or went within the longest
window: then they are summed from the owner's own minutes and rollups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.reader import minute_timestamp
from aggregator.figures.windows.buckets import (
    DAY_BUCKET_MIN,
    DAY_BUCKETS,
    HOUR_MIN,
    QUARTER_MIN,
    WEEK_BUCKET_MIN,
    WEEK_BUCKETS,
)
from aggregator.figures.worker_arrays import StatusColumns
from schemas.runtime.named_sql import load
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/reassignments.sql")

# The longest window and its oldest bucket are 7 days and 3 hours of stream time, which may stand
# still for days during an outage.
_KEPT_S: Final = 15 * 86_400


@dataclass(frozen=True, slots=True)
class Reassignments:
    """What changed of late: miners with their (operator, pool) of now (operator 0: none), and the
    operators and pools concerned. Before minute `pools_since` a miner may have had another pool."""

    owners_of: dict[int, tuple[int, int]]
    owners: list[int]
    pools_since: int


async def read_reassignments(connection: AsyncConnection[Any]) -> Reassignments:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["reassigned_miners"], {"kept_s": _KEPT_S})
        owners_of = {miner: (operator, pool) for miner, operator, pool in await cursor.fetchall()}
        await cursor.execute(_SQL["concerned_owners"], {"kept_s": _KEPT_S})
        owners = [owner_id for (owner_id,) in await cursor.fetchall()]
        await cursor.execute(_SQL["pools_since"])
        (pools_since,) = await cursor.fetchone() or (0,)
    return Reassignments(owners_of, owners, pools_since)


def reassign(columns: StatusColumns, reassignments: Reassignments) -> None:
    """The workers of reassigned miners belong to the new operator and pool from now on."""
    owners_of = reassignments.owners_of
    if not owners_of:
        return
    moved = np.flatnonzero(np.isin(columns.miner_id, list(owners_of)))
    owners = [owners_of[miner_id] for miner_id in columns.miner_id[moved].tolist()]
    columns.operator_id[moved] = [operator_id for operator_id, _ in owners]
    columns.pool_id[moved] = [pool_id for _, pool_id in owners]


async def stage_own_minutes(
    connection: AsyncConnection[Any], reassignments: Reassignments, *, watermark: int
) -> None:
    """Put the windows of the owners concerned in place of what `snapshot.stage` staged.

    In the leader's transaction, after entity minutes and rollups.
    """
    await connection.execute(_SQL["forget_reassignments"], {"kept_s": _KEPT_S})
    if not reassignments.owners:
        return
    parameters = {
        "owner_ids": reassignments.owners,
        "statuses": len(STATUS_CODES),
        **_bounds(watermark),
    }
    for name in ("stage_missing_entities", "stage_missing_counts", "stage_own_minutes"):
        await connection.execute(_SQL[name], parameters)


def _bounds(watermark: int) -> dict[str, Any]:
    """Where windows and their oldest buckets begin; minutes, half hours and hours meet at bounds
    of both. Minutes are asked for no longer back than 90 minutes, which they are always kept."""
    day, week = watermark // DAY_BUCKET_MIN, watermark // WEEK_BUCKET_MIN
    day_from = (day - DAY_BUCKETS) * DAY_BUCKET_MIN
    week_from = (week - WEEK_BUCKETS) * WEEK_BUCKET_MIN
    minutes_from = (day - HOUR_MIN // DAY_BUCKET_MIN) * DAY_BUCKET_MIN
    starts = {
        "watermark": watermark,
        "quarter_from": watermark - QUARTER_MIN,
        "hour_from": watermark - HOUR_MIN,
        "minutes_from": minutes_from,
        "quarters_from": minutes_from - minutes_from % HOUR_MIN,
        "day_from": day_from,
        "day_inner": day_from + DAY_BUCKET_MIN,
        "week_from": week_from,
        "week_inner": week_from + WEEK_BUCKET_MIN,
    }
    return {
        **{name: minute_timestamp(start) for name, start in starts.items()},
        "day_weight": 1 - watermark % DAY_BUCKET_MIN / DAY_BUCKET_MIN,
        "week_weight": 1 - watermark % WEEK_BUCKET_MIN / WEEK_BUCKET_MIN,
    }
