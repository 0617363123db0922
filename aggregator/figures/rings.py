"""A ring of time buckets × workers: accepted and rejected difficulty of the newest buckets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]
"""float64[2, k]: accepted and rejected difficulty of k slots."""

Columns = slice | NDArray[np.intp]
"""Which slots: a range of them, or each by its index."""


class BucketRing:
    """The newest `rows` buckets, bucket b in row b % rows; 16 bytes a bucket and worker.

    Not thread-safe: one task owns a ring. It does not know which buckets it holds: its owner
    clears a row before a new bucket takes it.
    """

    def __init__(self, rows: int, capacity: int) -> None:
        self.rows = rows
        # Bucket-major: advancing touches whole rows, and a sum over buckets streams through memory.
        self._sums = np.zeros((rows, 2, capacity), np.float64)

    @property
    def nbytes(self) -> int:
        return self._sums.nbytes

    def grow(self, capacity: int) -> None:
        grown = np.zeros((self.rows, 2, capacity), np.float64)
        grown[:, :, : self._sums.shape[2]] = self._sums
        self._sums = grown

    def clear(self, bucket: int) -> None:
        self._sums[bucket % self.rows] = 0.0

    def clear_all(self) -> None:
        self._sums[:] = 0.0

    def get(self, bucket: int, slots: Columns) -> Sums:
        """A view for a range of slots, a copy for indices."""
        sums: Sums = self._sums[bucket % self.rows][:, slots]
        return sums

    def put(self, bucket: int, slots: Columns, sums: Sums) -> None:
        self._sums[bucket % self.rows][:, slots] = sums

    def add(self, bucket: int, slots: Columns, sums: Sums) -> None:
        """Slots given by index are each there at most once."""
        self._sums[bucket % self.rows][:, slots] += sums

    def total(self, buckets: Iterable[int], slots: Columns) -> Sums:
        """Sum over buckets, left to right, so that equal rows give equal sums to the last bit.

        (numpy's own reduction changes its order with the shape.)
        """
        indices = iter(buckets)
        first = next(indices, None)
        if first is None:
            return np.zeros_like(self._sums[0][:, slots])
        total = self.get(first, slots).copy()
        for bucket in indices:
            total += self.get(bucket, slots)
        return total
