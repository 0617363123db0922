"""Current figures: windows and status of who changed, staged by COPY and written in place.

Two steps, so that the lease is held only while the database works and never while this process
sends: `stage` fills temporary tables, `write` moves them within the leader's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection

from aggregator.figures.entities import EntityFigures
from aggregator.figures.slots import NOT_SEEN, Slots, StatusColumns
from aggregator.minutes.copy import binary_copy
from schemas.named_sql import load
from schemas.worker import STATUS_CODES, WorkerStatus

_SQL: Final = load("aggregator.figures", "sql/current.sql")
_STATUSES: Final = [status.value for status in STATUS_CODES]
# Small enough for the renewal of the lease to get its turn in between.
_PIECE_BYTES: Final = 1 << 20
_OFF: Final = STATUS_CODES.index(WorkerStatus.OFF)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one beat publishes: all totals, which slots differ from what was published, and sums."""

    totals: NDArray[np.float64]
    """float64[windows, 2, workers]"""
    changed: Slots
    entities: EntityFigures


def shown_status(columns: StatusColumns) -> NDArray[np.int8]:
    """A worker that never had an accepted share is shown as off (its transition number is 0)."""
    return np.where(columns.status == NOT_SEEN, _OFF, columns.status).astype(np.int8)


def changed_slots(
    columns: StatusColumns,
    totals: NDArray[np.float64],
    *,
    published: NDArray[np.float64],
    columns_before: StatusColumns,
) -> Slots:
    """Slots whose row in `worker_figures` is out of date; `published` may know fewer of them."""
    known = published.shape[2]
    changed = np.ones(totals.shape[2], np.bool_)
    if known:
        changed[:known] = (totals[:, :, :known] != published).any(axis=(0, 1))
    before = len(columns_before.worker_id)
    for name in ("status", "transition_number", "last_share_s", "share_interval_s", "source_id"):
        now: NDArray[Any] = getattr(columns, name)[:before]
        changed[:before] |= now != getattr(columns_before, name)
    return np.flatnonzero(changed)


async def prepare(connection: AsyncConnection[Any]) -> None:
    """Once for the leader's connection."""
    await connection.execute(_SQL["create_stages"])


async def stage(
    connection: AsyncConnection[Any], columns: StatusColumns, snapshot: Snapshot
) -> None:
    """Send what changed into the temporary tables; needs no lease."""
    await connection.execute(_SQL["empty_stages"])
    slots, totals = snapshot.changed, snapshot.totals
    if len(slots):
        await _copy(
            connection,
            "copy_workers",
            [
                columns.worker_id[slots],
                columns.miner_id[slots],
                shown_status(columns)[slots].astype(np.int16),
                columns.status_since_s[slots],
                columns.transition_number[slots],
                columns.last_share_s[slots],
                columns.share_interval_s[slots],
                columns.source_id[slots],
                *(side[slots] for window in totals for side in window),
            ],
        )
    await _stage_entities(connection, snapshot.entities)


async def _stage_entities(connection: AsyncConnection[Any], entities: EntityFigures) -> None:
    entity_id = entities.entity_id.astype(np.int32)
    if not len(entity_id):
        return
    sums = [side for window in entities.totals for side in window]
    await _copy(connection, "copy_entities", [entity_id, *sums])
    codes = np.arange(len(STATUS_CODES), dtype=np.int16)
    await _copy(
        connection,
        "copy_counts",
        [
            np.tile(entity_id, len(codes)),
            np.repeat(codes, len(entity_id)),
            entities.status_counts.ravel().astype(np.int32),
        ],
    )


async def _copy(
    connection: AsyncConnection[Any], statement: str, columns: list[NDArray[Any]]
) -> None:
    named = {str(index): column for index, column in enumerate(columns)}
    types = [column.dtype.newbyteorder(">").str for column in columns]
    data = memoryview(binary_copy(named, types))
    async with connection.cursor() as cursor, cursor.copy(_SQL[statement]) as copy:
        for start in range(0, len(data), _PIECE_BYTES):
            await copy.write(data[start : start + _PIECE_BYTES])


async def write(connection: AsyncConnection[Any]) -> None:
    """Move what was staged into the tables, within the leader's open transaction."""
    statuses = {"statuses": _STATUSES}
    await connection.execute(_SQL["update_workers"], statuses)
    await connection.execute(_SQL["insert_workers"], statuses)
    await connection.execute(_SQL["update_entities"])
    await connection.execute(_SQL["insert_entities"])
    await connection.execute(_SQL["update_counts"], statuses)
    await connection.execute(_SQL["insert_counts"], statuses)
