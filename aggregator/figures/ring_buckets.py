"""Closed buckets of the rings, kept in the database for the leader that comes next.

    cycle      a minute of a kept bucket changed: the bucket is dropped with it
    after it   `keep`: one bucket that is missing, from memory, under the lease
    startup    `read_kept`; a bucket that is not there is summed from the rollups

A restart with a week of history reads 94 buckets: 20 bytes a worker each, packed already, where
the rollups have a row for each quarter of an hour or hour. Whoever deposes the leader because its
memory is no longer true (a rewind, an import into the windows) drops all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import scalar_row, tuple_row

from aggregator.figures.minutes.reader import (
    PACKED_SUMS,
    WorkerSums,
    minute_timestamp,
    unpacked_sums,
)
from aggregator.figures.state import FiguresState
from aggregator.figures.windows.buckets import DAY_BUCKET_MIN, WEEK_BUCKET_MIN
from aggregator.figures.windows.grid import WindowGrid
from aggregator.postgres.lease import Lease
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.figures", "sql/ring_buckets.sql")
_WIDTHS: Final = (DAY_BUCKET_MIN, WEEK_BUCKET_MIN)
# 2 MB a row.
_PART_WORKERS: Final = 100_000

Bucket = tuple[int, int]
"""Width in minutes, and number of the bucket since the epoch."""


def beyond_finer_rings(grid: WindowGrid) -> list[Bucket]:
    """Closed buckets in the windows that no finer ring holds the parts of, newest first."""
    days = [(DAY_BUCKET_MIN, bucket) for bucket in reversed(grid.days_beyond_minutes())]
    weeks = [(WEEK_BUCKET_MIN, bucket) for bucket in reversed(grid.weeks_beyond_days())]
    return days + weeks


async def keep(
    connection: AsyncConnection[Any], lease: Lease, state: FiguresState, *, at_most: int = 1
) -> None:
    """After a cycle that was written: store what is missing, and drop what the rings have left.

    LeaseLostError if another process leads.
    """
    wanted = beyond_finer_rings(state.grid)
    kept = await _kept(connection)
    missing = [bucket for bucket in wanted if bucket not in kept][:at_most]
    left = kept.difference(wanted)
    if not missing and not left:
        return
    rows = await asyncio.to_thread(
        lambda: [row for bucket in missing for row in _rows(state, bucket)]
    )
    async with connection.transaction():
        await lease.fence(connection)
        await _drop(connection, left)
        async with connection.cursor() as cursor:
            await cursor.executemany(_SQL["keep"], rows)


async def drop_changed(connection: AsyncConnection[Any], minutes: Iterable[int]) -> None:
    """Those that hold any of the minutes, in the transaction that takes the change up."""
    await _drop(
        connection,
        {(width, minute // width) for minute in minutes for width in _WIDTHS},
    )


async def read_kept(connection: AsyncConnection[Any], bucket: Bucket) -> WorkerSums | None:
    """None if it is not kept."""
    width, number = bucket
    async with connection.cursor(binary=True, row_factory=scalar_row) as cursor:
        parameters = {"width_min": width, "start": minute_timestamp(number * width)}
        await cursor.execute(_SQL["read"], parameters)
        parts = await cursor.fetchall()
    return unpacked_sums(b"".join(parts)) if parts else None


async def _kept(connection: AsyncConnection[Any]) -> set[Bucket]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["kept"])
        return {(width, start // width) for width, start in await cursor.fetchall()}


async def _drop(connection: AsyncConnection[Any], buckets: set[Bucket]) -> None:
    if buckets:
        starts = [minute_timestamp(number * width) for width, number in buckets]
        widths = [width for width, _ in buckets]
        await connection.execute(_SQL["drop"], {"starts": starts, "widths": widths})


def _rows(state: FiguresState, bucket: Bucket) -> list[dict[str, Any]]:
    """The parts of a bucket: only workers with work in it, and one part at the least."""
    width, number = bucket
    sums = state.grid.bucket_sums(width, number, state.workers.count)
    chosen = np.flatnonzero(sums.any(axis=0))
    table = np.empty(len(chosen), PACKED_SUMS)
    table["worker_id"] = state.workers.columns.worker_id[chosen]
    table["accepted"], table["rejected"] = sums[:, chosen]
    start = minute_timestamp(number * width)
    return [
        {
            "width_min": width,
            "start": start,
            "part": part,
            "sums": table[first : first + _PART_WORKERS].tobytes(),
        }
        for part, first in enumerate(range(0, max(1, len(table)), _PART_WORKERS))
    ]
