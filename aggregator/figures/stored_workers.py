"""Workers as the database has them: for a leader that begins, and for one that meets them later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.status import store
from aggregator.figures.worker_arrays import NOT_SEEN, StatusColumns
from aggregator.postgres.int4_array import Int4Array
from schemas.runtime.named_sql import load
from schemas.windows import WINDOWS
from schemas.worker import STATUS_CODES

_SQL: Final = load("aggregator.figures", "sql/rebuild.sql")
_STATUSES: Final = [status.value for status in STATUS_CODES]

_WORKER: Final = [
    ("worker_id", ">i4"),
    ("miner_id", ">i4"),
    ("operator_id", ">i4"),
    ("pool_id", ">i4"),
    ("is_boundary", ">i4"),
]
_FIGURES: Final = [
    *_WORKER,
    ("status", ">i4"),
    ("status_since_s", ">i8"),
    ("transition_number", ">i4"),
    ("last_share_s", ">i8"),
    ("share_interval_s", ">f8"),
    ("source_id", ">i4"),
]
PACKED_WORKERS: Final = np.dtype(_WORKER)
PACKED_FIGURES: Final = np.dtype([*_FIGURES, ("totals", ">f8", (len(WINDOWS) * 2,))])

# 2 MB a piece.
_WORKERS_PER_QUERY: Final = 20_000


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """Rows of `worker_figures`; `totals` float64[windows, 2, n] is what was published."""

    columns: StatusColumns
    totals: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StoredWorkers:
    """All that is stored of some workers. `new` ones have no row in `worker_figures`."""

    figures: list[StoredFigures]
    attributed: NDArray[np.int32]
    """Ids of those whose silence is laid to their source."""
    new: StatusColumns

    def gone(self, asked: NDArray[np.int32]) -> NDArray[np.int32]:
        """Of those that were asked for, whom somebody has deleted by SQL."""
        stored = [figures.columns.worker_id for figures in self.figures]
        return _without(asked, np.concatenate([self.new.worker_id, *stored]))

    @classmethod
    def none(cls) -> StoredWorkers:
        return cls([], np.empty(0, np.int32), StatusColumns.empty(0))


async def read_all_figures(connection: AsyncConnection[Any]) -> AsyncIterator[StoredFigures]:
    """Of everybody, up to 100,000 workers at a time."""
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["figures"].format(chosen=""), {"statuses": _STATUSES})
        async for (packed,) in cursor:
            yield _unpacked(packed)


async def read_stored_workers(
    connection: AsyncConnection[Any], worker_ids: NDArray[np.int32]
) -> StoredWorkers:
    """Of workers that have no index: new ones, and forgotten ones that came back."""
    if not len(worker_ids):
        return StoredWorkers.none()
    packed = [await _read_new(connection, part) for part in _parts(worker_ids)]
    table = np.frombuffer(b"".join(packed), PACKED_WORKERS)
    new = StatusColumns.of(**{name: table[name] for name, _ in _WORKER})
    figures = [
        found
        for part in _parts(_without(worker_ids, new.worker_id))
        async for found in _read_figures(connection, part)
    ]
    stored = np.concatenate([worker_ids[:0], *(found.columns.worker_id for found in figures)])
    attributed = await store.attributed_workers(connection, stored) if len(stored) else []
    return StoredWorkers(figures, np.array(attributed, np.int32), new)


def _parts(worker_ids: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """Between which the event loop runs: a minute may bring 1,000,000 workers."""
    for start in range(0, len(worker_ids), _WORKERS_PER_QUERY):
        yield worker_ids[start : start + _WORKERS_PER_QUERY]


def _without(worker_ids: NDArray[np.int32], known: NDArray[np.int32]) -> NDArray[np.int32]:
    """Both name each worker once."""
    return np.setdiff1d(worker_ids, known, assume_unique=True)


async def _read_figures(
    connection: AsyncConnection[Any], worker_ids: NDArray[np.int32]
) -> AsyncIterator[StoredFigures]:
    sql = _SQL["figures"].format(chosen="where figures.worker_id = any(%(worker_ids)s::int4[])")
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(sql, {"statuses": _STATUSES, "worker_ids": Int4Array(worker_ids)})
        async for (packed,) in cursor:
            yield _unpacked(packed)


async def _read_new(connection: AsyncConnection[Any], worker_ids: NDArray[np.int32]) -> bytes:
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["new_workers"], {"worker_ids": Int4Array(worker_ids)})
        row = await cursor.fetchone()
    return (row and row[0]) or b""


def _unpacked(packed: bytes) -> StoredFigures:
    table = np.frombuffer(packed, PACKED_FIGURES)
    columns = StatusColumns.of(**{name: table[name] for name, _ in _FIGURES})
    # Without a transition it was shown as off and has no status yet.
    columns.status[table["transition_number"] == 0] = NOT_SEEN
    totals = table["totals"].astype(np.float64).reshape(-1, len(WINDOWS), 2)
    return StoredFigures(columns, np.ascontiguousarray(totals.transpose(1, 2, 0)))
