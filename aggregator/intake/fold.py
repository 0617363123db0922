"""Shares in columns → one row per worker and minute. Pure numpy; cost per share is constant.

Three shares, in minutes 10:00 and 10:01, of workers 7 and 9 (`result` 0 is accepted). So few would
have their workers renamed first (`_renamed`); the dense table shows the principle:

    second_s  worker_index  difficulty  result        minutes  [10:00, 10:01]
    10:00:05       7            4          0          width    10 (the highest index + 1)
    10:01:02       9            8          1          cell     minute * width + worker: 7, 19, 17
    10:01:30       7            2          0

The rejected share (cell 19) goes to the spare cell 20, so that `accepted` = bincount of 7, 20, 17.
Its difficulty is added to cell 19 of its reason. Three cells are used, so three rows come out:
(10:00, 7): accepted 4; (10:01, 7): accepted 2; (10:01, 9): rejected 8.

Two passes write into memory that was never set (`np.empty`), as large as the table or the highest
index. That is right because they read a cell only after they wrote it: `last` is read where a share
was accepted, `scratch` where a share named the worker. Setting it to zero first would make a small
flush of a large pool pay for all its workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from schemas.share import ShareResult
from schemas.windows import MINUTE_S

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REASON_COUNT: Final = len(ShareResult) - 1

# A cell of the dense (minute, worker) table costs about 3 ns, renaming a share's worker about
# 10 ns: past four cells a share (a small flush of a large pool) the cells in use are named first.
DENSE_CELLS_PER_SHARE: Final = 4
# Sorting 16-bit numbers is a radix sort, 15 ns a share against 72 ns for 64-bit ones.
RADIX_SPAN: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class MinuteRows:
    """Worker minutes as columns of equal length `n`, in no promised order.

    minute_s        int64[n]       start of the minute, epoch seconds
    worker_index            int64[n]       dense number of the worker inside this process
    accepted_count  int64[n]
    rejected_count  int64[n]
    accepted        float64[n]     sum of the assigned difficulty
    rejected        float64[n]
    last_share_s    int64[n]       second of the last accepted share; -1 where there is none
    source          int64[n]       source of that share; -1 where it names none
    reject_row      int64[m]       ascending rows that have rejected work: usually few
    reasons         float64[7, m]  their rejected difficulty by reason, `ShareResult` code - 1
    """

    minute_s: Ints
    worker_index: Ints
    accepted_count: Ints
    rejected_count: Ints
    accepted: Floats
    rejected: Floats
    last_share_s: Ints
    source: Ints
    reject_row: Ints
    reasons: Floats

    def __len__(self) -> int:
        return len(self.worker_index)


def fold(
    second_s: Ints,
    worker_index: NDArray[np.integer],
    *,
    difficulty: Floats,
    result: NDArray[np.uint8],
    source: NDArray[np.int32],
) -> MinuteRows:
    """One row per (minute, worker_index) with work in it.

    All arrays have one length. `second_s`, the shares' own times in epoch seconds, needs no order;
    of accepted shares in one second the one further back in the arrays is the last.
    """
    if len(worker_index) == 0:
        return _no_rows()
    order = _order_of(second_s)
    if order is not None:
        second_s, worker_index, difficulty = second_s[order], worker_index[order], difficulty[order]
        result, source = result[order], source[order]
    grid = _grid_of(second_s, worker_index)
    cell, size = grid.cell, grid.size
    rejects = _nonzero(result)
    reject_cell = cell[rejects]
    # Rejected shares go to one cell after the table, so that the passes below see accepted ones.
    cell[rejects] = size
    accepted_count = np.bincount(cell, minlength=size + 1)[:-1]
    accepted = _sums(cell, difficulty, size + 1)[:-1]
    # Of several writes to a cell the last one stays. Half the width is a third less time.
    last = np.empty(size + 1, np.int32)
    last[cell] = np.arange(len(cell), dtype=np.int32)
    rejected_count = np.bincount(reject_cell, minlength=size)
    used = _nonzero(accepted_count + rejected_count)
    minute_s, workers = grid.names_of(used)
    accepted_count, rejected_count, last = accepted_count[used], rejected_count[used], last[used]
    # A cell that no accepted share wrote to holds anything.
    last[accepted_count == 0] = -1
    reject_row = _nonzero(rejected_count)
    reasons = _reasons_of(reject_cell, difficulty[rejects], result[rejects], used[reject_row], size)
    rejected = np.zeros(len(used))
    rejected[reject_row] = reasons.sum(axis=0)
    return MinuteRows(
        minute_s=minute_s,
        worker_index=workers,
        accepted_count=accepted_count,
        rejected_count=rejected_count,
        accepted=accepted[used],
        rejected=rejected,
        last_share_s=_of_last(second_s, last),
        source=_of_last(source, last),
        reject_row=reject_row,
        reasons=reasons,
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Shares numbered by cell; cell (or `names[cell]`) = minute index * width + column."""

    cell: Ints
    size: int
    width: int
    minutes: Ints
    # The worker of each column; None if they are the same.
    workers: Ints | None
    names: Ints | None

    def names_of(self, cells: Ints) -> tuple[Ints, Ints]:
        """Start of the minute (epoch seconds) and worker_index of each of `cells`."""
        if self.names is not None:
            cells = self.names[cells]
        if len(self.minutes) == 1:
            minute_s, column = np.full(len(cells), self.minutes[0] * MINUTE_S), cells
        else:
            minute, column = np.divmod(cells, self.width)
            minute_s = self.minutes[minute] * MINUTE_S
        return minute_s, column if self.workers is None else self.workers[column]


def _grid_of(second_s: Ints, worker_index: NDArray[np.integer]) -> _Grid:
    """Number the cells: all of them where they are few against the batch, else those in use.

    `second_s` ascends.
    """
    minutes, edges = _minutes_of(second_s)
    limit = DENSE_CELLS_PER_SHARE * len(worker_index)
    width = int(worker_index.max()) + 1
    code, workers = worker_index.astype(np.int64), None
    if len(minutes) * width > limit:
        code, workers = _renamed(worker_index, width)
        width = len(workers)
    if len(minutes) > 1:
        code += np.repeat(np.arange(len(minutes)) * width, np.diff(edges))
    if len(minutes) * width <= limit:
        return _Grid(code, len(minutes) * width, width, minutes, workers, None)
    cell, names = pd.factorize(code)
    return _Grid(cell, len(names), width, minutes, workers, names)


def _minutes_of(second_s: Ints) -> tuple[Ints, NDArray[np.intp]]:
    """The `k` distinct minutes of ascending seconds, and where each begins: int64[k], intp[k+1]."""
    first, last = int(second_s[0]) // MINUTE_S, int(second_s[-1]) // MINUTE_S
    if last - first <= len(second_s):
        # Looking for the few minutes among the shares cycles dividing every share.
        minutes = np.arange(first, last + 1)
        edges = np.searchsorted(second_s, minutes * MINUTE_S)
    else:
        minutes, edges = np.unique(second_s // MINUTE_S, return_index=True)
    edges = np.append(edges, len(second_s))
    present = np.diff(edges) > 0
    return minutes[present], np.append(edges[:-1][present], len(second_s))


def _renamed(worker_index: NDArray[np.integer], width: int) -> tuple[Ints, Ints]:
    """Codes 0..k-1 in place of the `k` distinct workers, and the worker_index of each code.

    The scratch of `width` cells is not initialised: what a share did not write is never read, so
    the cost does not depend on `width`.
    """
    scratch = np.empty(width, np.int64)
    index = np.arange(len(worker_index))
    scratch[worker_index] = index
    distinct = worker_index[scratch[worker_index] == index]
    scratch[distinct] = np.arange(len(distinct))
    return scratch[worker_index], distinct.astype(np.int64)


def _order_of(second_s: Ints) -> NDArray[np.intp] | None:
    """The stable order by time; None if the shares stand in it already."""
    if not (second_s[1:] < second_s[:-1]).any():
        return None
    low = second_s.min()
    if second_s.max() - low < RADIX_SPAN:
        return np.argsort((second_s - low).astype(np.uint16), kind="stable")
    return np.argsort(second_s, kind="stable")


def _reasons_of(
    cell: Ints, difficulty: Floats, result: NDArray[np.uint8], rows: Ints, size: int
) -> Floats:
    """Sums of rejected shares by reason, float64[7, m], for the `m` cells in `rows`."""
    # As in `_renamed`: only what is written is read.
    scratch = np.empty(size, np.int64)
    scratch[rows] = np.arange(len(rows))
    code = (result.astype(np.int64) - 1) * len(rows) + scratch[cell]
    return _sums(code, difficulty, REASON_COUNT * len(rows)).reshape(REASON_COUNT, len(rows))


def _nonzero(column: NDArray[np.integer]) -> NDArray[np.intp]:
    """Where `column` is not 0; three to five times as fast by way of a mask."""
    return np.flatnonzero(column != 0)


def _sums(code: Ints, difficulty: Floats, size: int) -> Floats:
    sums: NDArray[Any] = np.bincount(code, difficulty, minlength=size)
    return sums


def _of_last(column: NDArray[Any], last: NDArray[np.integer]) -> NDArray[Any]:
    """What stands in `column` at each of `last`; -1 where that is -1."""
    found = column.take(last, mode="wrap")
    found[last < 0] = -1
    return found


def _no_rows() -> MinuteRows:
    ints, floats = np.empty(0, np.int64), np.empty(0)
    return MinuteRows(
        ints, ints, ints, ints, floats, floats, ints, ints, ints, np.empty((REASON_COUNT, 0))
    )
