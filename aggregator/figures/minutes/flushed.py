"""Flushed rows, packed by the database → sums by minute and worker: pure, no I/O.

    flushed   minute 7, worker 3:  2 shares, last :05 from eu      worker 3, minute 7: 3 shares,
              minute 7, worker 3:  1 share,  last :50 from us  ──▶   last :50 from us
              minute 7, worker 9:  1 share,  last :20 from eu      worker 9, minute 7: 1 share, eu

One sort by (minute, worker), then sums of runs: 1,500,000 rows take 0.4 s, whatever the number of
workers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.postgres.binary_copy import POSTGRES_EPOCH_S
from schemas.runtime.arrays import distinct
from schemas.share import REJECT_REASONS
from schemas.windows import MINUTE_S

# The fields in the order of sql/merge.sql, as PostgreSQL's *send functions write them.
PACKED: Final = np.dtype(
    [
        ("bucket_us", ">i8"),
        ("worker_id", ">i4"),
        ("miner_id", ">i4"),
        ("operator_id", ">i4"),
        ("source_id", ">i4"),
        ("accepted_count", ">i4"),
        ("rejected_count", ">i4"),
        ("accepted", ">f8"),
        ("rejected", ">f8"),
        ("last_share_us", ">i8"),
    ]
)
PACKED_REASONS: Final = np.dtype(
    [
        ("bucket_us", ">i8"),
        ("worker_id", ">i4"),
        ("difficulty", ">f8", (len(REJECT_REASONS),)),
    ]
)
NO_SHARE_US: Final = -POSTGRES_EPOCH_S * 1_000_000
"""The epoch, which stands for no accepted share, in PostgreSQL's count."""


@dataclass(frozen=True, slots=True)
class FoldedMinutes:
    """One row for each minute and worker, ascending; arrays of one length.

    operator_id, source_id    0 for none
    last_share_us             microseconds of PostgreSQL's epoch; 1970 for no accepted share
    reasons                   float64[reasons, n], NaN for a reason without work
    """

    minute: NDArray[np.int64]
    worker_id: NDArray[np.int32]
    miner_id: NDArray[np.int32]
    operator_id: NDArray[np.int32]
    source_id: NDArray[np.int32]
    accepted_count: NDArray[np.int64]
    rejected_count: NDArray[np.int64]
    accepted: NDArray[np.float64]
    rejected: NDArray[np.float64]
    last_share_us: NDArray[np.int64]
    reasons: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def has_share(self) -> NDArray[np.bool_]:
        return np.not_equal(self.last_share_us, NO_SHARE_US)

    def part(self, rows: slice) -> FoldedMinutes:
        """Views of some rows."""
        columns = (getattr(self, field.name) for field in fields(self))
        return FoldedMinutes(*(column[..., rows] for column in columns))

    def by_minute(self) -> dict[int, slice]:
        """The rows of each minute."""
        minutes, starts = np.unique(self.minute, return_index=True)
        ends = [*starts.tolist(), len(self)][1:]
        return {
            minute: slice(start, end)
            for minute, start, end in zip(minutes.tolist(), starts.tolist(), ends, strict=True)
        }


def fold(packed: bytes, packed_reasons: bytes) -> FoldedMinutes:
    """Rows of `PACKED`, and of `PACKED_REASONS` for those with rejects, added up."""
    table = np.frombuffer(packed, PACKED)
    keys = _keys(table)
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)

    def column(name: str) -> NDArray[Any]:
        native = table.dtype[name].newbyteorder("=")
        return table[name].astype(native)[order]

    def runs(reduce: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        reduced: NDArray[Any] = reduce.reduceat(values, starts) if len(starts) else values[:0]
        return reduced

    return FoldedMinutes(
        minute=found >> 32,
        worker_id=(found & 0xFFFF_FFFF).astype(np.int32),
        miner_id=runs(np.minimum, column("miner_id")),
        operator_id=_lowest(runs, column("operator_id")),
        source_id=_newest_source(runs, column("last_share_us"), column("source_id")),
        accepted_count=runs(np.add, column("accepted_count").astype(np.int64)),
        rejected_count=runs(np.add, column("rejected_count").astype(np.int64)),
        accepted=runs(np.add, column("accepted")),
        rejected=runs(np.add, column("rejected")),
        last_share_us=runs(np.maximum, column("last_share_us")),
        reasons=_reasons(np.frombuffer(packed_reasons, PACKED_REASONS), found),
    )


def _keys(table: NDArray[np.void]) -> NDArray[np.int64]:
    """(minute, worker) as one number."""
    bucket_s = table["bucket_us"].astype(np.int64) // 1_000_000 + POSTGRES_EPOCH_S
    keys: NDArray[np.int64] = (bucket_s // MINUTE_S << 32) + table["worker_id"].astype(np.int64)
    return keys


def _lowest(runs: Any, operator_id: NDArray[np.int32]) -> NDArray[np.int32]:
    """The lowest operator of each run, none (0) only if no row has one."""
    none = np.iinfo(np.int32).max
    lowest: NDArray[np.int32] = runs(np.minimum, np.where(operator_id == 0, none, operator_id))
    lowest[lowest == none] = 0
    return lowest


def _newest_source(
    runs: Any, last_share_us: NDArray[np.int64], source_id: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The source of the last share of each run: the lower half of the greatest (second, source)."""
    known = (source_id != 0) & (last_share_us != NO_SHARE_US)
    second = last_share_us // 1_000_000 % MINUTE_S
    pairs = np.where(known, (second << 32) + source_id, 0)
    newest: NDArray[np.int64] = runs(np.maximum, pairs)
    return (newest & 0xFFFF_FFFF).astype(np.int32)


def _reasons(table: NDArray[np.void], keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums by reason for each of `keys`."""
    sums = np.full((len(REJECT_REASONS), len(keys)), np.nan)
    if not len(table):
        return sums
    place = np.searchsorted(keys, _keys(table))
    for reason in range(len(REJECT_REASONS)):
        work = table["difficulty"][:, reason].astype(np.float64)
        present = ~np.isnan(work)
        rows = distinct(place[present])
        sums[reason, rows] = np.bincount(place[present], work[present], len(keys))[rows]
    return sums
