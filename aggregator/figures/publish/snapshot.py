"""Current figures: windows and status of who changed, staged by COPY and written in place.

Two steps, so that the lease is held only while the database works and never while this process
sends: `stage` fills temporary tables, `write` moves them within the leader's transaction.

    worker_statuses   a row a worker; written when its status or source changes
    window_blocks     a row for sixteen workers: what changes at every cycle

The view `worker_figures` shows both as one row a worker.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection

from aggregator.figures.publish.entity_totals import EntityFigures, shown_status
from aggregator.figures.status.rule import STABLE
from aggregator.figures.worker_arrays import Indices, StatusColumns
from aggregator.postgres.binary_copy import send_copy
from schemas.runtime.named_sql import load
from schemas.windows import WINDOWS
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/current.sql")
_STATUSES: Final = [status.value for status in STATUS_CODES]

# As in migration 0034: a block of workers, and the numbers of each.
BLOCK_WORKERS: Final = 16
_CELLS: Final = 2 * len(WINDOWS) + 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one cycle publishes: all totals, which of them changed, and the entity sums."""

    totals: NDArray[np.float64]
    """float64[windows, 2, workers]"""
    changed: Changed
    entities: EntityFigures


@dataclass(frozen=True, slots=True)
class Changed:
    """Whose figures are out of date in the database: indices of workers."""

    figures: Indices
    """All of them."""
    statuses: Indices
    """Those whose row in `worker_statuses` has to be written, too."""
    is_new: NDArray[np.bool_]
    """bool[statuses]: it has none yet."""


def changes(
    columns: StatusColumns,
    totals: NDArray[np.float64],
    *,
    published: NDArray[np.float64],
    columns_before: StatusColumns,
) -> Changed:
    """What to write; `published` is NaN for who is new.

    The row of a worker that is not stable holds its last share, too: the leader reads it again when
    it has forgotten the worker.
    """
    is_new = np.isnan(published[0, 0])

    def differ(*names: str) -> NDArray[np.bool_]:
        found = np.zeros(len(columns.worker_id), np.bool_)
        for name in names:
            now: NDArray[Any] = getattr(columns, name)
            found |= now != getattr(columns_before, name)
        return found

    shared = differ("last_share_s", "share_interval_s")
    statuses = is_new | differ("status", "transition_number", "source_id")
    statuses |= shared & (columns.status != STABLE)
    figures = (totals != published).any(axis=(0, 1)) | shared | statuses
    rows = np.flatnonzero(statuses)
    return Changed(np.flatnonzero(figures), rows, is_new[rows])


def window_blocks(
    columns: StatusColumns, totals: NDArray[np.float64], changed: Indices
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The blocks of the workers `changed`: numbers int32[n] and cells float64[n, workers × cells].

    A block holds all its workers; one that has no index has zeros, and the view shows the last
    share from its row.
    """
    block = columns.worker_id // BLOCK_WORKERS
    wanted = np.zeros(int(block.max(initial=-1)) + 1, np.bool_)
    wanted[block[changed]] = True
    numbers = np.flatnonzero(wanted)
    place = np.cumsum(wanted) - 1
    rows = np.flatnonzero(wanted[block])
    cells = np.zeros((len(numbers), BLOCK_WORKERS, _CELLS))
    at = place[block[rows]], columns.worker_id[rows] % BLOCK_WORKERS
    sums = totals.reshape(-1, totals.shape[2])
    for number, values in enumerate((*sums, columns.last_share_s, columns.share_interval_s)):
        cells[(*at, number)] = values[rows]
    return numbers.astype(np.int32), cells.reshape(len(numbers), -1)


async def prepare(connection: AsyncConnection[Any]) -> None:
    """Once for the leader's connection."""
    await connection.execute(_SQL["create_stages"])


async def stage(
    connection: AsyncConnection[Any], columns: StatusColumns, snapshot: Snapshot
) -> None:
    """Send what changed into the temporary tables; needs no lease."""
    await connection.execute(_SQL["empty_stages"])
    rows = snapshot.changed.statuses
    if len(rows):
        await _copy(
            connection,
            "copy_statuses",
            [
                snapshot.changed.is_new.astype(np.int16),
                columns.worker_id[rows],
                columns.miner_id[rows],
                shown_status(columns.status[rows]).astype(np.int16),
                columns.status_since_s[rows],
                columns.transition_number[rows],
                columns.last_share_s[rows],
                columns.share_interval_s[rows],
                columns.source_id[rows],
            ],
        )
    if len(snapshot.changed.figures):
        blocks = await asyncio.to_thread(
            window_blocks, columns, snapshot.totals, snapshot.changed.figures
        )
        await _copy(connection, "copy_blocks", [*blocks])
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
    await send_copy(connection, _SQL[statement], named, types)


async def write(connection: AsyncConnection[Any]) -> None:
    """Move what was staged into the tables, within the leader's open transaction."""
    statuses = {"statuses": _STATUSES}
    await connection.execute(_SQL["update_statuses"], statuses)
    await connection.execute(_SQL["insert_statuses"], statuses)
    await connection.execute(_SQL["update_blocks"])
    await connection.execute(_SQL["insert_blocks"])
    await connection.execute(_SQL["update_entities"])
    await connection.execute(_SQL["insert_entities"])
    await connection.execute(_SQL["update_counts"], statuses)
    await connection.execute(_SQL["insert_counts"], statuses)
