"""Half hours and three hours that late minutes changed, where the rings can't make them anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.figures.minutes.reader import DirtyMinute, WorkerSums, read_span
from aggregator.figures.windows.buckets import DAY_BUCKET_MIN, WEEK_BUCKET_MIN
from aggregator.figures.windows.grid import WindowGrid

# Looking up a minute of a worker costs as much as reading six rows in passing (2.5 µs, 0.4 µs).
_READ_FOR_A_LOOK_UP: Final = 6
# Half an hour of so few is looked up within 10 ms, however small the pool is.
_FEW: Final = 100

Changed = dict[int, set[int] | None]
"""Bucket → the workers to read again; None: all."""


async def coarse_sums(
    connection: AsyncConnection[Any],
    grid: WindowGrid,
    dirty: Sequence[DirtyMinute],
    *,
    workers: int,
) -> tuple[dict[int, WorkerSums], dict[int, WorkerSums]]:
    """Sums by half hour and by three hours, of the workers that changed or of all `workers`."""
    day: Changed = {}
    week: Changed = {}
    for minute in dirty:
        if minute.minute >= grid.watermark:
            break
        for found, bucket in zip((day, week), grid.beyond_rings(minute.minute), strict=True):
            if bucket is not None:
                found[bucket] = _joined(found.get(bucket, set()), minute.worker_ids)
    most = max(_FEW, workers // _READ_FOR_A_LOOK_UP)
    return (
        await _sums(connection, day, DAY_BUCKET_MIN, most=most),
        await _sums(connection, week, WEEK_BUCKET_MIN, most=most),
    )


def _joined(known: set[int] | None, worker_ids: tuple[int, ...] | None) -> set[int] | None:
    return None if known is None or worker_ids is None else known | set(worker_ids)


async def _sums(
    connection: AsyncConnection[Any],
    changed: Mapping[int, set[int] | None],
    width: int,
    *,
    most: int,
) -> dict[int, WorkerSums]:
    """Of single workers up to `most` of them, of everybody beyond."""
    return {
        bucket: await read_span(
            connection,
            bucket * width,
            (bucket + 1) * width,
            worker_ids=None if ids is None or len(ids) > most else sorted(ids),
        )
        for bucket, ids in changed.items()
    }
