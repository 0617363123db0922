"""Boundary minutes: written in bulk from the schedules, with a cursor of their own, exactly once.

    minutes_to ─────────────▶ watermark
       │ ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ │   one chunk: minutes, what was dirty, and the cursor, in one
                                 transaction under the lease

The leader reads them afterwards like any minute that intake dirty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.boundary.schedule import Schedule, nominal_difficulty
from aggregator.figures.minutes.reader import minute_timestamp
from aggregator.postgres.lease import Lease
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.figures", "sql/boundary.sql")
log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Minutes [first, end) of one worker to write."""

    schedule: Schedule
    first: int
    end: int


async def write_boundary_minutes(
    connection: AsyncConnection[Any], lease: Lease, *, watermark: int, rows_per_chunk: int
) -> int:
    """Write what is missing before minute `watermark`, mend what a late change of a schedule made
    wrong, and answer how many minutes were written. LeaseLostError where another one leads."""
    written = await _mend(connection, lease, watermark)
    while chunks := await _due_chunks(connection, watermark, rows_per_chunk):
        async with connection.transaction():
            await lease.fence(connection)
            written += await _write(connection, chunks)
            await _move_cursors(connection, chunks)
    return written


async def _due_chunks(
    connection: AsyncConnection[Any], watermark: int, rows_per_chunk: int
) -> list[Chunk]:
    rows = await _rows(connection, "due", {"up_to": minute_timestamp(watermark)})
    chunks: list[Chunk] = []
    room = rows_per_chunk
    for schedule, minutes_to in map(_schedule, rows):
        if room <= 0:
            break
        first = schedule.first_minute if minutes_to is None else minutes_to
        end = min(watermark, schedule.end_minute or watermark, first + room)
        chunks.append(Chunk(schedule, first, end))
        room -= end - first
    return chunks


async def _mend(connection: AsyncConnection[Any], lease: Lease, watermark: int) -> int:
    """A change committed after its minutes were written (as at midnight): write them anew."""
    written = 0
    rows = await _rows(connection, "changed_behind", {"up_to": minute_timestamp(watermark)})
    for schedule, minutes_to in map(_schedule, rows):
        assert minutes_to is not None
        first = schedule.changes_since(minutes_to - 180)
        if first is None:
            continue
        parameters = {
            "worker_id": schedule.worker_id,
            "from": minute_timestamp(first),
            "to": minute_timestamp(minutes_to),
        }
        stored = dict(await _rows(connection, "written", parameters))
        nominal = nominal_difficulty(schedule, first, minutes_to).tolist()
        if all(stored.get(first + i, 0.0) == value for i, value in enumerate(nominal)):
            continue
        log.info("boundary_minutes_mended", worker_id=schedule.worker_id, minutes=len(nominal))
        async with connection.transaction():
            await lease.fence(connection)
            written += await _write(connection, [Chunk(schedule, first, minutes_to)])
    return written


async def _write(connection: AsyncConnection[Any], chunks: list[Chunk]) -> int:
    buckets, worker_ids, miner_ids, operator_ids, accepted = [], [], [], [], []
    for chunk in chunks:
        schedule = chunk.schedule
        nominal = nominal_difficulty(schedule, chunk.first, chunk.end).tolist()
        buckets += [minute_timestamp(minute) for minute in range(chunk.first, chunk.end)]
        worker_ids += [schedule.worker_id] * len(nominal)
        miner_ids += [schedule.miner_id] * len(nominal)
        operator_ids += [schedule.operator_id] * len(nominal)
        accepted += nominal
    parameters = {
        "buckets": buckets,
        "worker_ids": worker_ids,
        "miner_ids": miner_ids,
        "operator_ids": operator_ids,
        "accepted": accepted,
    }
    await connection.execute(_SQL["write_minutes"], parameters)
    await connection.execute(_SQL["touch"], parameters)
    return len(buckets)


async def _move_cursors(connection: AsyncConnection[Any], chunks: list[Chunk]) -> None:
    """A disconnected worker's cursor ends after its last minute."""
    await connection.execute(
        _SQL["move_cursors"],
        {
            "worker_ids": [chunk.schedule.worker_id for chunk in chunks],
            "minutes_to": [minute_timestamp(chunk.end) for chunk in chunks],
        },
    )


def _schedule(row: tuple[Any, ...]) -> tuple[Schedule, int | None]:
    """A schedule and its cursor."""
    worker_id, miner_id, operator_id, created_us, disconnected_us, minutes_to, starts, rates = row
    pairs = tuple(zip(starts, rates, strict=True))
    return (
        Schedule(worker_id, miner_id, operator_id, created_us, disconnected_us, pairs),
        minutes_to,
    )


async def _rows(
    connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchall()
