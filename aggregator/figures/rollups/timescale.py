"""Rollups on TimescaleDB: a durable queue of buckets that continuous aggregates refresh."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, errors
from psycopg.rows import tuple_row

from aggregator.figures.minutes.dirty import Dirty, ranges, stale_minutes, timestamp
from schemas.rollups import FAMILIES
from schemas.runtime.metrics import gauge
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS, LevelSpec

_log = structlog.get_logger(__name__)
_SQL: Final = load("aggregator.figures", "sql/rollups.sql")
# Buckets in one refresh, the step by which `settle` keeps to its budget: an hour of minutes takes
# 10 s at 100,000 workers, and so does a day of hours or a week of days.
_LONGEST_RANGE: Final = {"15m": 4, "1h": 24, "1d": 7}
_DUE_PER_READ: Final = 5_000
# A bucket rests this long after its end before its first refresh: most late shares are seconds
# late, and each refresh of a quarter of an hour costs 2.6 s at 100,000 workers.
_REST: Final = timedelta(minutes=2)
# What a refresh of the same aggregate by somebody else may raise.
_ELSEWHERE: Final = (
    *(errors.LockNotAvailable, errors.ObjectInUse),
    *(errors.DeadlockDetected, errors.SerializationFailure),
)
_NEXT: Final = dict(pairwise(LEVELS))


class TimescaleRollups:
    """Notes dirty buckets in the cycle's transaction, refreshes them outside of it."""

    def __init__(self, *, rest: timedelta = _REST) -> None:
        self._rest_s = round(rest.total_seconds())

    async def refresh(
        self,
        connection: AsyncConnection[Any],
        dirty: Iterable[Dirty],
    ) -> None:
        """Note the 15-minute buckets of `dirty`, in progress or not."""
        quarter = LEVELS[0]
        buckets = stale_minutes(dirty).widened(quarter.width_s).buckets()
        await _enqueue(connection, quarter, sorted(buckets))

    async def settle(
        self, connection: AsyncConnection[Any], *, watermark_s: int, budget_s: float = 10.0
    ) -> int:
        """Refresh bottom-up; a refreshed bucket notes the one above it."""
        stop_s = time.monotonic() + budget_s
        kept_from = await _kept_from(connection)
        left = 0
        for level in LEVELS:
            until_s = watermark_s - level.width_s
            if level is LEVELS[0]:
                until_s -= self._rest_s
            due = await _due(connection, level, until_s)
            for span in ranges(due, level.width_s, longest=_LONGEST_RANGE[level.name]):
                if not await _refresh_range(connection, level, span, kept_from):
                    break
                await _done(connection, level, span, due)
                if time.monotonic() > stop_s:
                    break
            left += await _count_due(connection, level, until_s)
        gauge("rollups_waiting").set(left)
        return left

    async def retain(self, connection: AsyncConnection[Any], *, stream_time_s: int) -> int:
        """Nothing to do: `hashgauge_retain` runs in the database."""
        return 0


async def _refresh_range(
    connection: AsyncConnection[Any],
    level: LevelSpec,
    span: tuple[int, int],
    kept_from: Mapping[str, int],
) -> bool:
    """False where somebody else refreshes the aggregate now: the note stays for the next call."""
    for family in FAMILIES:
        # Refreshing a range whose raw rows were dropped would delete its rollups.
        since_s = max(span[0], kept_from.get(family.relation(level.below), 0))
        if since_s >= span[1]:
            continue
        relation = family.relation(level.name)
        parameters = {"relation": relation, "from": timestamp(since_s), "to": timestamp(span[1])}
        try:
            await connection.execute(_SQL["refresh_aggregate"], parameters)
        except _ELSEWHERE as error:
            _log.info("refresh_postponed", relation=relation, reason=str(error))
            return False
    return True


async def _done(
    connection: AsyncConnection[Any],
    level: LevelSpec,
    span: tuple[int, int],
    due: Mapping[int, int],
) -> None:
    buckets = [bucket for bucket in due if span[0] <= bucket < span[1]]
    async with connection.transaction():
        if above := _NEXT.get(level):
            starts = {bucket - bucket % above.width_s for bucket in buckets}
            await _enqueue(connection, above, sorted(starts))
        await connection.execute(
            _SQL["dequeue"],
            {
                "level": level.name,
                "buckets": [timestamp(bucket) for bucket in buckets],
                "tokens": [due[bucket] for bucket in buckets],
            },
        )


async def _enqueue(
    connection: AsyncConnection[Any], level: LevelSpec, buckets: Sequence[int]
) -> None:
    if buckets:
        await connection.execute(
            _SQL["enqueue"],
            {"level": level.name, "buckets": [timestamp(bucket) for bucket in buckets]},
        )


async def _due(connection: AsyncConnection[Any], level: LevelSpec, until_s: int) -> dict[int, int]:
    """Bucket → token of the note, oldest first."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            _SQL["due"], {"level": level.name, "until": timestamp(until_s), "limit": _DUE_PER_READ}
        )
        return dict(await cursor.fetchall())


async def _count_due(connection: AsyncConnection[Any], level: LevelSpec, until_s: int) -> int:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["count_due"], {"level": level.name, "until": timestamp(until_s)})
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _kept_from(connection: AsyncConnection[Any]) -> Mapping[str, int]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["kept_from"])
        return dict(await cursor.fetchall())
