"""The leader's memory from the database: statuses, the last hour, the day and the week.

Nothing is written, so it can be interrupted anywhere. It ends where the last cycle ended
(`leader.watermark`); what came in since is in flushed_minutes or listed in dirty_minutes, and
the first cycle takes it in before it writes a figure.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.reader import (
    StreamPosition,
    WorkerSums,
    minute_timestamp,
    oldest_unread,
    read_position,
    read_whole_minutes,
    unpacked_sums,
)
from aggregator.figures.ring_buckets import beyond_finer_rings, read_kept
from aggregator.figures.rollups.store import RollupStore
from aggregator.figures.state import FiguresState, share_rows
from aggregator.figures.status import store
from aggregator.figures.status.memory import SweepMemory
from aggregator.figures.status.sweep import warm_up
from aggregator.figures.stored_workers import read_all_figures, read_stored_workers
from aggregator.figures.windows.buckets import DAY_BUCKET_MIN, WEEK_BUCKET_MIN
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.windows.ring import Sums
from schemas.rollups import WORKERS
from schemas.runtime.named_sql import load
from schemas.windows import MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/rebuild.sql")
log: Final = structlog.get_logger(__name__)

# The rollup that the buckets of a ring are summed from.
_LEVELS: Final = {DAY_BUCKET_MIN: "15m", WEEK_BUCKET_MIN: "1h"}
# 100,000 workers × 10 minutes × 36 bytes are 36 MB in flight.
_MINUTES_PER_READ: Final = 10


async def rebuild(connection: AsyncConnection[Any], rollups: RollupStore) -> FiguresState | None:
    """The state at `leader.watermark`; None as long as there is neither that nor stream time.

    `connection` must be in autocommit mode.
    """
    position = await read_position(connection)
    watermark = await _start(connection, position)
    if watermark is None:
        return None
    if position.watermark_s is not None:
        while await rollups.settle(connection, watermark_s=position.watermark_s):
            log.info("rollups_settling")
    state = FiguresState(WindowGrid(watermark))
    await _load_figures(connection, state)
    if position.watermark_s is not None:
        await _load_minutes(connection, state)
        await _load_coarse(connection, state)
    await asyncio.to_thread(state.grid.finalize, state.workers.count)
    log.info("figures_rebuilt", workers=state.workers.known, watermark=watermark)
    return state


async def list_minutes(
    connection: AsyncConnection[Any], start: datetime, end: datetime
) -> list[datetime]:
    """Have the leader read all minutes of [start, end) again, whoever leads: entity minutes,
    rollups and windows are made anew from worker minutes. Answers which; safe to repeat."""
    cursor = await connection.execute(_SQL["list_minutes"], {"from": start, "to": end})
    return [bucket for (bucket,) in await cursor.fetchall()]


async def unread_minutes(connection: AsyncConnection[Any], start: datetime, end: datetime) -> int:
    """How many minutes of [start, end) the leader has still to read."""
    cursor = await connection.execute(_SQL["unread"], {"from": start, "to": end})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _start(connection: AsyncConnection[Any], position: StreamPosition) -> int | None:
    """Where windows begin: the last cycle's end, or of a new database the first minute of all."""
    if position.watermark_s is not None:
        return position.watermark_s // MINUTE_S
    if position.stream_s is None:
        return None
    newest = int(position.stream_s) // MINUTE_S
    oldest = await oldest_unread(connection)
    return newest if oldest is None else min(newest, oldest)


async def _load_figures(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """Statuses and what was published."""
    async for figures in read_all_figures(connection):
        state.restore(figures)
    attributed = state.workers.find(
        np.array(await store.attributed_workers(connection), np.int32)
    ).astype(np.intp)
    state.memory = SweepMemory.restored(
        await store.load_state(connection), attributed=attributed[attributed >= 0]
    )


async def _load_minutes(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """The last hour, complete minutes only: windows of 15m and 1h, and counts for the rates."""
    grid = state.grid
    for start in range(grid.oldest_minute, grid.watermark, _MINUTES_PER_READ):
        end = min(start + _MINUTES_PER_READ, grid.watermark)
        found = await read_whole_minutes(connection, range(start, end))
        gone = await _add_unknown(connection, state, [rows.worker_id for rows in found])
        found = [rows.without(gone) for rows in found]
        for rows in found:
            grid.fill_minute(
                rows.minute,
                state.indices_of(rows.worker_id),
                np.stack((rows.accepted, rows.rejected)),
            )
        await asyncio.to_thread(
            warm_up, state.memory, state.workers.counts, share_rows(state, found)
        )


async def _load_coarse(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """Closed half hours and three hours: as they were kept, else from the rollups."""
    for width, number in beyond_finer_rings(state.grid):
        rows = await read_kept(connection, (width, number))
        if rows is None:
            rows = await _rollup_rows(connection, _LEVELS[width], number * width, width)
        fill = state.grid.fill_day if width == DAY_BUCKET_MIN else state.grid.fill_week
        fill(number, *await _summed(connection, state, rows))


async def _summed(
    connection: AsyncConnection[Any], state: FiguresState, rows: WorkerSums
) -> tuple[slice, Sums]:
    """Rows of several buckets added up by index, for all indices."""
    rows = rows.without(await _add_unknown(connection, state, [rows.worker_id]))
    indices, count = state.indices_of(rows.worker_id), state.workers.count
    return slice(0, count), np.stack([np.bincount(indices, side, count) for side in rows.sums])


async def _rollup_rows(
    connection: AsyncConnection[Any], level: str, first: int, width: int
) -> WorkerSums:
    """What `level` holds of the minutes [first, first + width); a worker may have several rows."""
    sql = _SQL["ring_bucket"].format(relation=WORKERS.relation(level))
    parameters = {"from": minute_timestamp(first), "to": minute_timestamp(first + width)}
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(sql, parameters)
        row = await cursor.fetchone()
    return unpacked_sums(row[0] if row else None)


async def _add_unknown(
    connection: AsyncConnection[Any], state: FiguresState, worker_ids: list[NDArray[np.int32]]
) -> NDArray[np.int32]:
    """Those that somebody has deleted by SQL: their minutes are nobody's."""
    unknown = state.unknown(worker_ids)
    found = await read_stored_workers(connection, unknown)
    state.add_workers(found)
    return found.gone(unknown)
