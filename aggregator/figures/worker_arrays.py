"""One row per worker: the columns that status and figures share, one numpy array each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Indices = NDArray[np.intp]
"""Indices into the columns, each at most once."""

NOT_SEEN: Final = -1
"""Status of a worker that has none yet: no accepted share so far, no row in `worker_statuses`."""

NEVER_S: Final = 0
"""`last_share_s` of a worker without an accepted share, so that its silence is endless."""

NONE_ID: Final = 0
"""Where the database has null: no operator, no known source (ids begin at 1)."""

COUNT_MINUTES: Final = 62
"""Minutes of accepted counts kept: the hour of the rate, the one in progress, one to spare."""

_FIRST_CAPACITY: Final = 1_024


@dataclass(slots=True)
class StatusColumns:
    """What is known of each worker; arrays of one length, of which the first `count` are in use.

    53 bytes a worker. Written by the leader's task alone. A row whose worker was forgotten has
    `NONE_ID` as worker. `status` is an index into `schemas.worker.STATUS_CODES` or `NOT_SEEN`;
    times are epoch seconds of stream time.
    `share_interval_s` is what `rates.py` found at the last share, 0 where nothing is known.
    """

    worker_id: NDArray[np.int32]
    miner_id: NDArray[np.int32]
    operator_id: NDArray[np.int32]
    pool_id: NDArray[np.int32]
    is_boundary: NDArray[np.bool_]
    status: NDArray[np.int8]
    status_since_s: NDArray[np.int64]
    transition_number: NDArray[np.int32]
    last_share_s: NDArray[np.int64]
    share_interval_s: NDArray[np.float64]
    source_id: NDArray[np.int32]

    @classmethod
    def empty(cls, capacity: int) -> StatusColumns:
        """Rows of workers that were never heard."""
        return cls(
            worker_id=np.zeros(capacity, np.int32),
            miner_id=np.zeros(capacity, np.int32),
            operator_id=np.zeros(capacity, np.int32),
            pool_id=np.zeros(capacity, np.int32),
            is_boundary=np.zeros(capacity, np.bool_),
            status=np.full(capacity, NOT_SEEN, np.int8),
            status_since_s=np.zeros(capacity, np.int64),
            transition_number=np.zeros(capacity, np.int32),
            last_share_s=np.zeros(capacity, np.int64),
            share_interval_s=np.zeros(capacity, np.float64),
            source_id=np.zeros(capacity, np.int32),
        )

    @classmethod
    def of(cls, worker_id: NDArray[np.integer[Any]], **columns: ArrayLike) -> StatusColumns:
        """Rows of these workers; a column is an array or one value for all, or left blank."""
        rows = cls.empty(len(worker_id))
        for name, values in {"worker_id": worker_id, **columns}.items():
            getattr(rows, name)[:] = values
        return rows

    def head(self, count: int) -> StatusColumns:
        """Views of the first `count` rows."""
        return StatusColumns(*(getattr(self, field.name)[:count] for field in fields(self)))

    def restore(self, saved: StatusColumns) -> None:
        """Back to what `copy` kept; rows added since are as they were when they were added."""
        for field in fields(self):
            kept = getattr(saved, field.name)
            getattr(self, field.name)[: len(kept)] = kept

    def fill(self, indices: Indices, other: StatusColumns, chosen: Indices) -> None:
        """The rows `chosen` of another table go into the rows `indices`."""
        for field in fields(self):
            getattr(self, field.name)[indices] = getattr(other, field.name)[chosen]

    def blank(self, indices: Indices) -> None:
        """Of these rows nothing is known, not even whose they are."""
        for field in fields(self):
            getattr(self, field.name)[indices] = 0
        self.status[indices] = NOT_SEEN


class WorkerTable:
    """Worker id → index, and the columns by index. A forgotten worker's index is given to another.

    Not thread-safe: one task owns a table. Capacity doubles, so an index costs a constant share of
    all the copying. `count` indices were given out so far, and the rows of `_free` are blank.
    """

    def __init__(self, capacity: int = _FIRST_CAPACITY) -> None:
        self.count = 0
        self._free: list[int] = []
        self._columns = StatusColumns.empty(capacity)
        self._counts = np.zeros((COUNT_MINUTES, capacity), np.uint16)
        self._index_of = np.full(capacity, -1, np.int32)

    @property
    def capacity(self) -> int:
        return len(self._columns.worker_id)

    @property
    def known(self) -> int:
        """How many workers have an index."""
        return self.count - len(self._free)

    @property
    def columns(self) -> StatusColumns:
        """Views of the rows in use: writing to them writes to the table."""
        return self._columns.head(self.count)

    @property
    def counts(self) -> NDArray[np.uint16]:
        """uint16[COUNT_MINUTES, count]: accepted shares of a minute in row minute % rows."""
        return self._counts[:, : self.count]

    @property
    def bytes_per_worker(self) -> int:
        arrays = (getattr(self._columns, field.name) for field in fields(self._columns))
        columns = sum(int(array.itemsize) for array in arrays)
        return columns + self._counts.itemsize * COUNT_MINUTES

    def find(self, worker_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Index of each id, -1 for an id that has none."""
        if not len(worker_ids):
            return np.empty(0, np.int32)
        self._reserve_ids(int(worker_ids.max()))
        return self._index_of[worker_ids]

    def add(self, workers: StatusColumns) -> Indices:
        """Indices for new workers; ids that have one already are an error of the caller."""
        indices = self.add_ids(workers.worker_id)
        self._columns.fill(indices, workers, np.arange(len(indices)))
        return indices

    def add_ids(self, worker_ids: NDArray[np.int32]) -> Indices:
        """The same, with the other columns left blank for the caller to fill."""
        reused = [self._free.pop() for _ in range(min(len(self._free), len(worker_ids)))]
        end = self.count + len(worker_ids) - len(reused)
        self._reserve_slots(end)
        indices = np.concatenate([np.array(reused, np.intp), np.arange(self.count, end)])
        self._columns.worker_id[indices] = worker_ids
        self._reserve_ids(int(worker_ids.max(initial=0)))
        self._index_of[worker_ids] = indices
        self.count = end
        return indices

    def forget(self, indices: Indices) -> None:
        """Give the indices of these workers back."""
        self._index_of[self._columns.worker_id[indices]] = -1
        self._columns.blank(indices)
        self._counts[:, indices] = 0
        self._free += indices.tolist()

    def _reserve_slots(self, needed: int) -> None:
        if needed <= self.capacity:
            return
        capacity = max(needed, 2 * self.capacity)
        grown = StatusColumns.empty(capacity)
        grown.restore(self._columns)
        self._columns = grown
        counts = np.zeros((COUNT_MINUTES, capacity), np.uint16)
        counts[:, : self.count] = self._counts[:, : self.count]
        self._counts = counts

    def _reserve_ids(self, highest: int) -> None:
        known = len(self._index_of)
        if highest >= known:
            grown = np.full(max(highest + 1, 2 * known), -1, np.int32)
            grown[:known] = self._index_of
            self._index_of = grown


class WorkerBackup:
    """The columns and counts of a table as of one moment, in arrays that are kept: new ones would
    cost half a second a cycle at 1,000,000 workers, most of it for fresh pages.

    Owned by the table's task; one `take` overwrites the one before.
    """

    def __init__(self) -> None:
        self._columns = StatusColumns.empty(0)
        self._counts = np.zeros((COUNT_MINUTES, 0), np.uint16)

    def take(self, table: WorkerTable) -> tuple[StatusColumns, NDArray[np.uint16]]:
        """Copies of what is in use, good until the next time."""
        count = table.count
        if count > len(self._columns.worker_id):
            self._columns = StatusColumns.empty(table.capacity)
            self._counts = np.zeros((COUNT_MINUTES, table.capacity), np.uint16)
        columns, counts = self._columns.head(count), self._counts[:, :count]
        columns.restore(table.columns)
        counts[:] = table.counts
        return columns, counts
