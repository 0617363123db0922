"""Minutes and figures of miners, operators and pools: sums over their workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection

from aggregator.figures.minutes_reader import minute_instant
from aggregator.figures.slots import NONE_ID, StatusColumns
from schemas.named_sql import load
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/entities.sql")

# An hour of 100,000 workers is six million rows in one hash aggregate of few groups.
_MINUTES_PER_STATEMENT: Final = 60


async def write_entity_minutes(connection: AsyncConnection[Any], minutes: Iterable[int]) -> None:
    """Make the entity minutes of these minutes anew from their worker minutes."""
    buckets = [minute_instant(minute) for minute in sorted(minutes)]
    for start in range(0, len(buckets), _MINUTES_PER_STATEMENT):
        part = buckets[start : start + _MINUTES_PER_STATEMENT]
        await connection.execute(_SQL["entity_minutes"], {"buckets": part})


@dataclass(frozen=True, slots=True)
class EntityFigures:
    """By entity, ascending: sums float64[windows, 2, n], workers by status int64[statuses, n]."""

    entity_id: NDArray[np.int64]
    totals: NDArray[np.float64]
    status_counts: NDArray[np.int64]


def entity_figures(
    columns: StatusColumns, totals: NDArray[np.float64], status: NDArray[np.int8]
) -> EntityFigures:
    """Sums of worker windows before any rounding; `totals` float64[windows, 2, workers].

    A miner counts all its workers, an operator and a pool hardware only.
    """
    hardware = ~columns.is_boundary
    everyone = np.ones(len(hardware), np.bool_)
    owners = (
        (columns.miner_id, everyone),
        (columns.operator_id, hardware),
        (columns.pool_id, hardware),
    )
    size = 1 + max((int(ids.max(initial=NONE_ID)) for ids, _ in owners), default=NONE_ID)
    windows, sides, _ = totals.shape
    sums = np.zeros((windows, sides, size))
    counts = np.zeros((len(STATUS_CODES), size), np.int64)
    present = np.zeros(size, np.bool_)
    for ids, counted in owners:
        chosen = ids[counted] if not counted.all() else ids
        present[chosen] = True
        for window in range(windows):
            for side in range(sides):
                work = totals[window, side][counted] if not counted.all() else totals[window, side]
                sums[window, side] += np.bincount(chosen, work, size)
        for code in range(len(STATUS_CODES)):
            counts[code] += np.bincount(ids[counted & (status == code)], minlength=size)
    present[NONE_ID] = False
    entity_id = np.flatnonzero(present)
    return EntityFigures(entity_id, sums[:, :, entity_id], counts[:, entity_id])
