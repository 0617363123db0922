"""The leader's memory from the database: statuses, the last hour, the day and the week.

Nothing is written, so it can be interrupted anywhere. It ends where the last beat ended
(`leader.complete_to`); what came in since is in flushed_minutes or listed in touched_minutes, and
the first beat takes it in before it writes a figure.
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

from aggregator.figures import status_store
from aggregator.figures.minutes_reader import (
    StreamPosition,
    WorkerSums,
    minute_instant,
    oldest_unread,
    read_position,
    read_whole_minutes,
    read_workers,
    unpacked_sums,
)
from aggregator.figures.rings import Sums
from aggregator.figures.rollups import RollupStore
from aggregator.figures.slots import NOT_SEEN, SlotTable
from aggregator.figures.state import FiguresState, share_rows
from aggregator.figures.sweep import warm_up
from aggregator.figures.sweep_memory import SweepMemory
from aggregator.figures.windows import (
    DAY_BUCKET_MIN,
    DAY_BUCKETS,
    DAY_PER_WEEK_BUCKET,
    WEEK_BUCKET_MIN,
    WEEK_BUCKETS,
    WindowGrid,
)
from schemas.named_sql import load
from schemas.rollups import WORKERS
from schemas.windows import MINUTE_S, WINDOWS
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/rebuild.sql")
log: Final = structlog.get_logger(__name__)

PACKED_FIGURES: Final = np.dtype(
    [
        ("worker_id", ">i4"),
        ("miner_id", ">i4"),
        ("operator_id", ">i4"),
        ("pool_id", ">i4"),
        ("is_boundary", ">i4"),
        ("status", ">i4"),
        ("status_since_s", ">i8"),
        ("transition_number", ">i4"),
        ("last_share_s", ">i8"),
        ("share_interval_s", ">f8"),
        ("source_id", ">i4"),
        ("totals", ">f8", (len(WINDOWS) * 2,)),
    ]
)

# 100,000 workers × 10 minutes × 36 bytes are 36 MB in flight.
_MINUTES_PER_READ: Final = 10


async def rebuild(connection: AsyncConnection[Any], rollups: RollupStore) -> FiguresState | None:
    """The state at `leader.complete_to`; None as long as there is neither that nor stream time.

    `connection` must be in autocommit mode.
    """
    position = await read_position(connection)
    complete_to = await _start(connection, position)
    if complete_to is None:
        return None
    if position.complete_to_s is not None:
        while await rollups.settle(connection, complete_to_s=position.complete_to_s):
            log.info("rollups_settling")
    state = FiguresState(WindowGrid(complete_to))
    await _load_figures(connection, state)
    if position.complete_to_s is not None:
        await _load_minutes(connection, state)
        await _load_coarse(connection, state)
    await asyncio.to_thread(state.grid.settle, state.slots.count)
    log.info("figures_rebuilt", workers=state.slots.count, complete_to=complete_to)
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
    """Where windows begin: the last beat's end, or of a new database the first minute of all."""
    if position.complete_to_s is not None:
        return position.complete_to_s // MINUTE_S
    if position.stream_s is None:
        return None
    newest = int(position.stream_s) // MINUTE_S
    oldest = await oldest_unread(connection)
    return newest if oldest is None else min(newest, oldest)


async def _load_figures(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """Statuses and what was published."""
    parameters = {"statuses": [status.value for status in STATUS_CODES]}
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["figures"], parameters)
        parts = [np.frombuffer(packed, PACKED_FIGURES) async for (packed,) in cursor]
    table = np.concatenate(parts) if parts else np.empty(0, PACKED_FIGURES)
    _fill_slots(state.slots, table)
    state.published = np.ascontiguousarray(
        table["totals"].astype(np.float64).reshape(-1, len(WINDOWS), 2).transpose(1, 2, 0)
    )
    state.grid.reserve(state.slots.count)
    taken = np.array(await status_store.taken_workers(connection), np.int32)
    state.memory = SweepMemory.restored(
        await status_store.load_state(connection), taken_slots=state.slots_of(taken)
    )


def _fill_slots(slots: SlotTable, table: NDArray[np.void]) -> None:
    slots.add_ids(table["worker_id"].astype(np.int32))
    columns = slots.columns
    for name in (
        "miner_id",
        "operator_id",
        "pool_id",
        "is_boundary",
        "status_since_s",
        "transition_number",
        "last_share_s",
        "share_interval_s",
        "source_id",
    ):
        getattr(columns, name)[:] = table[name]
    # Without a transition it was shown as off and has no status yet.
    columns.status[:] = np.where(table["transition_number"] == 0, NOT_SEEN, table["status"])


async def _load_minutes(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """The last hour, complete minutes only: windows of 15m and 1h, and counts for the rates."""
    grid = state.grid
    for start in range(grid.oldest_minute, grid.complete_to, _MINUTES_PER_READ):
        end = min(start + _MINUTES_PER_READ, grid.complete_to)
        found = await read_whole_minutes(connection, range(start, end))
        await _add_unknown(connection, state, [rows.worker_id for rows in found])
        for rows in found:
            grid.fill_minute(
                rows.minute,
                state.slots_of(rows.worker_id),
                np.stack((rows.accepted, rows.rejected)),
            )
        await asyncio.to_thread(warm_up, state.memory, state.slots.counts, share_rows(state, found))


async def _load_coarse(connection: AsyncConnection[Any], state: FiguresState) -> None:
    """Closed half hours from the 15-minute rollup, closed three hours from the hourly one."""
    grid = state.grid
    oldest_day = grid.day_bucket - DAY_BUCKETS
    for bucket in range(oldest_day, grid.day_bucket):
        rows = await _rollup_rows(connection, "15m", bucket * DAY_BUCKET_MIN, DAY_BUCKET_MIN)
        grid.fill_day(bucket, *await _summed(connection, state, rows))
    for bucket in range(grid.week_bucket - WEEK_BUCKETS, grid.week_bucket):
        # `settle` sums the three hours that the half hours cover.
        if bucket * DAY_PER_WEEK_BUCKET < oldest_day:
            rows = await _rollup_rows(connection, "1h", bucket * WEEK_BUCKET_MIN, WEEK_BUCKET_MIN)
            grid.fill_week(bucket, *await _summed(connection, state, rows))


async def _summed(
    connection: AsyncConnection[Any], state: FiguresState, rows: WorkerSums
) -> tuple[slice, Sums]:
    """Rows of several buckets added up by slot, for all slots."""
    await _add_unknown(connection, state, [rows.worker_id])
    slots, count = state.slots_of(rows.worker_id), state.slots.count
    return slice(0, count), np.stack([np.bincount(slots, side, count) for side in rows.sums])


async def _rollup_rows(
    connection: AsyncConnection[Any], level: str, first: int, width: int
) -> WorkerSums:
    """What `level` holds of the minutes [first, first + width); a worker may have several rows."""
    sql = _SQL["ring_bucket"].format(relation=WORKERS.relation(level))
    parameters = {"from": minute_instant(first), "to": minute_instant(first + width)}
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(sql, parameters)
        row = await cursor.fetchone()
    return unpacked_sums(row[0] if row else None)


async def _add_unknown(
    connection: AsyncConnection[Any], state: FiguresState, worker_ids: list[NDArray[np.int32]]
) -> None:
    unknown = state.unknown(worker_ids)
    if len(unknown):
        state.add_workers(await read_workers(connection, unknown))
