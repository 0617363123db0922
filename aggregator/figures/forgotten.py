"""Workers of whom the leader keeps no more than how many there are.

A worker is forgotten when nothing is left to compute: its windows are empty, and silence does not
change its status any more. Its row in `worker_statuses` stays as it is, and is read again if the
worker comes back. So memory follows the workers of the last month, not all that there ever were.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.status.rule import OFF, REMOVED
from aggregator.figures.worker_arrays import NOT_SEEN, Indices, StatusColumns
from schemas.worker import STATUS_CODES

_STATUSES: Final = len(STATUS_CODES) + 1
"""With `NOT_SEEN`."""


def may_be_forgotten(
    status: NDArray[np.int8], is_boundary: NDArray[np.bool_], totals: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whose windows are empty (`totals` float64[windows, 2, n]) and whose status only a share can
    change, or an act of somebody."""
    found = (status == REMOVED) | (status == NOT_SEEN)
    found |= is_boundary & (status == OFF)
    rest = np.flatnonzero(found)
    found[rest] = ~totals[:, :, rest].any(axis=(0, 1))
    return np.asarray(found, np.bool_)


class ForgottenWorkers:
    """How many there are of each miner, status and behaviour: one row of `columns` each, with its
    number in `workers`; the columns of single workers mean nothing.

    Not thread-safe: the leader's task owns it.
    """

    def __init__(self) -> None:
        self.columns = StatusColumns.empty(0)
        self.workers = np.empty(0, np.int64)

    def count(self, rows: StatusColumns, chosen: Indices, *, by: int = 1) -> None:
        """Count the rows `chosen`; -1 as `by`: these are remembered again."""
        if not len(chosen):
            return
        known, every = len(self.workers), np.arange(len(self.workers))
        columns = StatusColumns.empty(known + len(chosen))
        columns.fill(every, self.columns, every)
        columns.fill(np.arange(known, known + len(chosen)), rows, chosen)
        kinds = 2 * _STATUSES * columns.miner_id.astype(np.int64)
        kinds += 2 * (columns.status - NOT_SEEN) + columns.is_boundary
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        workers = np.append(self.workers, np.full(len(chosen), by))
        sums = np.bincount(kind, workers).astype(np.int64)
        left = np.flatnonzero(sums > 0)
        self.columns = StatusColumns.empty(len(left))
        self.columns.fill(np.arange(len(left)), columns, first[left])
        self.workers = sums[left]

    def hardware_by_status(self) -> NDArray[np.int64]:
        """Workers in each of `STATUS_CODES`; those not seen are in none."""
        chosen = ~self.columns.is_boundary & (self.columns.status != NOT_SEEN)
        counts = np.bincount(self.columns.status[chosen], self.workers[chosen], len(STATUS_CODES))
        return counts.astype(np.int64)
