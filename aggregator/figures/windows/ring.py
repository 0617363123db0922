"""A ring of time buckets × workers: accepted and rejected difficulty of the newest buckets.

A bucket is kept as uint32 as long as all its sums are whole and below 2^32 (1.7 PH/s in a bucket of
three hours), which nearly all are: half the memory. If one is not, the bucket becomes float64 until
its row is cleared. Either way a sum is what was put, to the last bit. (float32 would not do: it is
exact up to 2^24 only, 6.7 TH/s.)
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]
"""float64[2, k]: accepted and rejected difficulty of k workers."""

Columns = slice | NDArray[np.intp]
"""Which workers: a range of them, or each by its index."""

_Row = NDArray[np.uint32] | NDArray[np.float64]


class BucketRing:
    """The newest `rows` buckets, bucket b in row b % rows; 8 or 16 bytes a bucket and worker.

    Not thread-safe: one task owns a ring. It does not know which buckets it holds: its owner
    clears a row before a new bucket takes it.
    """

    def __init__(self, rows: int, capacity: int) -> None:
        # Bucket-major: advancing touches whole rows, and a sum over buckets streams through memory.
        self._rows: list[_Row] = [np.zeros((2, capacity), np.uint32) for _ in range(rows)]

    @property
    def rows(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        return sum(row.nbytes for row in self._rows)

    def grow(self, capacity: int) -> None:
        for number, row in enumerate(self._rows):
            grown: _Row = np.zeros((2, capacity), row.dtype)
            grown[:, : row.shape[1]] = row
            self._rows[number] = grown

    def clear(self, bucket: int) -> None:
        number = bucket % self.rows
        if _is_whole(self._rows[number]):
            self._rows[number][:] = 0
        else:
            self._rows[number] = np.zeros(self._rows[number].shape, np.uint32)

    def clear_all(self) -> None:
        for number in range(self.rows):
            self.clear(number)

    def get(self, bucket: int, columns: Columns) -> Sums:
        """Of these workers, to read only."""
        return self._stored(bucket, columns).astype(np.float64, copy=False)

    def put(self, bucket: int, columns: Columns, sums: Sums) -> None:
        number = bucket % self.rows
        if _is_whole(self._rows[number]):
            whole = _as_whole(sums)
            if whole is not None:
                self._rows[number][:, columns] = whole
                return
            self._rows[number] = self._rows[number].astype(np.float64)
        self._rows[number][:, columns] = sums

    def add(self, bucket: int, columns: Columns, sums: Sums) -> None:
        """Slots given by index are each there at most once."""
        self.put(bucket, columns, self.get(bucket, columns) + sums)

    def total(self, buckets: Iterable[int], columns: Columns) -> Sums:
        """Sum over buckets, left to right, so that equal rows give equal sums to the last bit.

        (numpy's own reduction changes its order with the shape.)
        """
        indices = iter(buckets)
        first = next(indices, None)
        if first is None:
            return np.zeros(self._stored(0, columns).shape)
        total = self._stored(first, columns).astype(np.float64)
        for bucket in indices:
            total += self._stored(bucket, columns)
        return total

    def _stored(self, bucket: int, columns: Columns) -> _Row:
        """A view for a range, a copy for indices."""
        return self._rows[bucket % self.rows][:, columns]


def _is_whole(row: _Row) -> bool:
    return row.dtype == np.uint32


def _as_whole(sums: Sums) -> NDArray[np.uint32] | None:
    """None if they are not all whole and below 2^32: then some differ from what became of them."""
    with np.errstate(invalid="ignore"):
        whole = sums.astype(np.uint32)
    return whole if (whole == sums).all() else None
