"""One slot per worker: the columns that status and figures share, one numpy array each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.intp]
"""Indices into the columns, each at most once."""

NOT_SEEN: Final = -1
"""Status of a worker that has none yet: no accepted share so far, no row in `worker_figures`."""

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

    53 bytes a worker. Written by the leader's task alone. `status` is an index into
    `schemas.worker.STATUS_CODES` or `NOT_SEEN`; times are epoch seconds of stream time.
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

    def head(self, count: int) -> StatusColumns:
        """Views of the first `count` rows."""
        return StatusColumns(*(getattr(self, field.name)[:count] for field in fields(self)))

    def copy(self) -> StatusColumns:
        return StatusColumns(*(getattr(self, field.name).copy() for field in fields(self)))

    def restore(self, saved: StatusColumns) -> None:
        """Back to what `copy` kept; rows added since are as they were when they were added."""
        for field in fields(self):
            kept = getattr(saved, field.name)
            getattr(self, field.name)[: len(kept)] = kept


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is new to the leader."""

    worker_id: int
    miner_id: int
    operator_id: int
    pool_id: int
    is_boundary: bool


class SlotTable:
    """Worker id → slot, and the columns by slot. Slots are never given back.

    Not thread-safe: one task owns a table. Capacity doubles, so a slot costs a constant share of
    all the copying.
    """

    def __init__(self, capacity: int = _FIRST_CAPACITY) -> None:
        self.count = 0
        self._columns = _blank(capacity)
        self._counts = np.zeros((COUNT_MINUTES, capacity), np.uint16)
        self._slot_of = np.full(capacity, -1, np.int32)

    @property
    def capacity(self) -> int:
        return len(self._columns.worker_id)

    @property
    def columns(self) -> StatusColumns:
        """Views of the rows in use: writing to them writes to the table."""
        return self._columns.head(self.count)

    @property
    def counts(self) -> NDArray[np.uint16]:
        """uint16[COUNT_MINUTES, count]: accepted shares of a minute in row minute % rows."""
        return self._counts[:, : self.count]

    @property
    def bytes_per_slot(self) -> int:
        arrays = (getattr(self._columns, field.name) for field in fields(self._columns))
        columns = sum(int(array.itemsize) for array in arrays)
        return columns + self._counts.itemsize * COUNT_MINUTES

    def find(self, worker_ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Slot of each id, -1 for an id that has none."""
        if not len(worker_ids):
            return np.empty(0, np.int32)
        self._reserve_ids(int(worker_ids.max()))
        return self._slot_of[worker_ids]

    def add(self, workers: list[Worker]) -> Slots:
        """Slots for new workers; ids that have one already are an error of the caller."""
        slots = self.add_ids(np.array([worker.worker_id for worker in workers], np.int32))
        columns = self._columns
        columns.miner_id[slots] = [worker.miner_id for worker in workers]
        columns.operator_id[slots] = [worker.operator_id for worker in workers]
        columns.pool_id[slots] = [worker.pool_id for worker in workers]
        columns.is_boundary[slots] = [worker.is_boundary for worker in workers]
        return slots

    def add_ids(self, worker_ids: NDArray[np.int32]) -> Slots:
        """The same, with the other columns left blank for the caller to fill."""
        first = self.count
        self._reserve_slots(first + len(worker_ids))
        slots = np.arange(first, first + len(worker_ids))
        self._columns.worker_id[slots] = worker_ids
        self._reserve_ids(int(worker_ids.max(initial=0)))
        self._slot_of[worker_ids] = slots
        self.count += len(worker_ids)
        return slots

    def blank_from(self, first: int) -> None:
        """Whose slot is `first` or later has never been heard."""
        columns = self._columns
        columns.status[first:] = NOT_SEEN
        columns.status_since_s[first:] = 0
        columns.transition_number[first:] = 0
        columns.last_share_s[first:] = NEVER_S
        columns.share_interval_s[first:] = 0
        columns.source_id[first:] = NONE_ID
        self._counts[:, first:] = 0

    def _reserve_slots(self, needed: int) -> None:
        if needed <= self.capacity:
            return
        capacity = max(needed, 2 * self.capacity)
        grown = _blank(capacity)
        grown.restore(self._columns)
        self._columns = grown
        counts = np.zeros((COUNT_MINUTES, capacity), np.uint16)
        counts[:, : self.count] = self._counts[:, : self.count]
        self._counts = counts

    def _reserve_ids(self, highest: int) -> None:
        known = len(self._slot_of)
        if highest >= known:
            grown = np.full(max(highest + 1, 2 * known), -1, np.int32)
            grown[:known] = self._slot_of
            self._slot_of = grown


def _blank(capacity: int) -> StatusColumns:
    return StatusColumns(
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
