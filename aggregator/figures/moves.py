"""Miners that go to another operator: noticed at the next beat, and the windows of both operators.

Minutes keep the operator that the miner had then. The windows of an operator are the sums of its
workers of today, which is the same, unless a miner came or went within the longest window: then
they are summed from the operator's own minutes and rollups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes_reader import minute_instant
from aggregator.figures.slots import StatusColumns
from aggregator.figures.windows import (
    DAY_BUCKET_MIN,
    DAY_BUCKETS,
    HOUR_MIN,
    QUARTER_MIN,
    WEEK_BUCKET_MIN,
    WEEK_BUCKETS,
)
from schemas.named_sql import load
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/moves.sql")

# The longest window and its oldest bucket are 7 days and 3 hours of stream time, which may stand
# still for days during an outage.
_KEPT_S: Final = 15 * 86_400


@dataclass(frozen=True, slots=True)
class Moves:
    """What changed of late: miners with their operators of now (0: none), operators concerned."""

    operator_of: dict[int, int]
    operators: list[int]


async def read_moves(connection: AsyncConnection[Any]) -> Moves:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["moved_miners"], {"kept_s": _KEPT_S})
        operator_of: dict[int, int] = dict(await cursor.fetchall())
        await cursor.execute(_SQL["concerned_operators"], {"kept_s": _KEPT_S})
        operators = [operator_id for (operator_id,) in await cursor.fetchall()]
    return Moves(operator_of, operators)


def follow(columns: StatusColumns, moves: Moves) -> None:
    """The workers of miners that moved belong to the new operator from now on."""
    if not moves.operator_of:
        return
    moved = np.flatnonzero(np.isin(columns.miner_id, list(moves.operator_of)))
    columns.operator_id[moved] = [
        moves.operator_of[miner_id] for miner_id in columns.miner_id[moved].tolist()
    ]


async def stage_own_minutes(
    connection: AsyncConnection[Any], moves: Moves, *, complete_to: int
) -> None:
    """Put the windows of the operators concerned in place of what `current.stage` staged.

    In the leader's transaction, after entity minutes and rollups.
    """
    if not moves.operators:
        return
    parameters = {
        "operator_ids": moves.operators,
        "statuses": len(STATUS_CODES),
        **_bounds(complete_to),
    }
    for name in ("stage_missing_entities", "stage_missing_counts", "stage_own_minutes"):
        await connection.execute(_SQL[name], parameters)


def _bounds(complete_to: int) -> dict[str, Any]:
    """Where windows and their oldest buckets begin; minutes, half hours and hours meet at bounds
    of both. Minutes are asked for no longer back than 90 minutes, which they are always kept."""
    day, week = complete_to // DAY_BUCKET_MIN, complete_to // WEEK_BUCKET_MIN
    day_from = (day - DAY_BUCKETS) * DAY_BUCKET_MIN
    week_from = (week - WEEK_BUCKETS) * WEEK_BUCKET_MIN
    minutes_from = (day - HOUR_MIN // DAY_BUCKET_MIN) * DAY_BUCKET_MIN
    starts = {
        "complete_to": complete_to,
        "quarter_from": complete_to - QUARTER_MIN,
        "hour_from": complete_to - HOUR_MIN,
        "minutes_from": minutes_from,
        "quarters_from": minutes_from - minutes_from % HOUR_MIN,
        "day_from": day_from,
        "day_inner": day_from + DAY_BUCKET_MIN,
        "week_from": week_from,
        "week_inner": week_from + WEEK_BUCKET_MIN,
    }
    return {
        **{name: minute_instant(start) for name, start in starts.items()},
        "day_weight": 1 - complete_to % DAY_BUCKET_MIN / DAY_BUCKET_MIN,
        "week_weight": 1 - complete_to % WEEK_BUCKET_MIN / WEEK_BUCKET_MIN,
    }
