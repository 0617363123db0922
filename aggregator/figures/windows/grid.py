"""The sliding windows of all workers, in blocks: a new worker does not move the others.

Three shares of one worker, each of difficulty 8, and the windows at T = 12:05 (`watermark`):

    share at   lands in                                       15m   1h   1d
    12:04:10   minute 12:04, half hour 12:00                    8    8    8
    11:40:00   minute 11:40, half hour 11:30                    0    8    8
    12:05:20   minute 12:05, in progress: it counts from        0    0    0
               T = 12:06 on

At T = 12:06 the first and the third are in all windows: 15m holds the minutes 11:51 to 12:05, 1h
those from 11:06 on, and 1d the half hours since yesterday noon, of which the oldest one counts by
the 24 of its 30 minutes that are still inside. A late share of minute 11:40 that comes in now is
read as the whole minute again: its row is replaced, the half hour 11:30 and the three hours from
09:00 are summed anew, nothing is added twice.

One array for all workers would have to be copied when it is full: gigabytes and four seconds at
1,000,000 workers. A block that is full stays as it is, and the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.windows.block import WindowBlock
from aggregator.figures.windows.buckets import DAY_BUCKET_MIN, MINUTE_ROWS, WEEK_BUCKET_MIN
from aggregator.figures.windows.ring import Columns, Sums
from aggregator.figures.worker_arrays import Indices
from schemas.windows import WINDOWS

# A bucket of a block is whole or fractional as one, and the accumulators of a block (2 × 8,192
# float64 are 128 KB) stay in the second-level cache while its rows stream through.
_BLOCK_WORKERS: Final = 8_192

_Part = tuple[WindowBlock, Columns, Columns]
"""A block, which of the values are its own, and their places in it."""


class WindowGrid:
    """Accepted and rejected difficulty by dense index, over every window that ends at `watermark`.

    Minutes and buckets are whole numbers since the epoch. Not thread-safe: one task owns a grid.
    A minute exactly one window old is outside; a minute after the one in progress is refused.
    """

    def __init__(
        self, watermark: int, capacity: int = 1_024, *, block_workers: int = _BLOCK_WORKERS
    ) -> None:
        self._block_workers = block_workers
        self._blocks = [WindowBlock(watermark, min(capacity, block_workers))]
        self.reserve(capacity)

    @property
    def watermark(self) -> int:
        return self._blocks[0].watermark

    @property
    def day_bucket(self) -> int:
        """The half hour in progress."""
        return self.watermark // DAY_BUCKET_MIN

    @property
    def week_bucket(self) -> int:
        """The three hours in progress."""
        return self.watermark // WEEK_BUCKET_MIN

    @property
    def oldest_minute(self) -> int:
        return self.watermark - MINUTE_ROWS + 1

    @property
    def bytes_per_worker(self) -> int:
        return self._blocks[0].bytes_per_worker

    def days_beyond_minutes(self) -> range:
        """Closed half hours in the day's window that `finalize` can't sum from the minutes."""
        return self._blocks[0].days_beyond_minutes()

    def weeks_beyond_days(self) -> range:
        """Closed three hours in the week's window that it can't sum from the half hours."""
        return self._blocks[0].weeks_beyond_days()

    def reserve(self, workers: int) -> None:
        """Room for so many workers. Blocks that are full are left alone."""
        while workers > len(self._blocks) * self._block_workers:
            self._blocks[-1].reserve(self._block_workers)
            self._blocks.append(WindowBlock(self.watermark, min(1_024, self._block_workers)))
        last = workers - (len(self._blocks) - 1) * self._block_workers
        self._blocks[-1].reserve(last, at_most=self._block_workers)

    def replace(
        self,
        minute: int,
        indices: Indices,
        accepted: NDArray[np.float64],
        rejected: NDArray[np.float64],
    ) -> None:
        """Set a minute of some workers (each at most once) to what the database holds.

        The buckets that can't be summed anew from the rings (`beyond_rings`) the caller reads from
        the database into `put_day` and `put_week`. ValueError for a minute after the one in
        progress.
        """
        if minute > self.watermark:
            raise ValueError(f"minute {minute} lies after the one in progress, {self.watermark}")
        for block, own, places in self._parts(indices):
            assert not isinstance(places, slice)
            block.replace(minute, places, accepted[own], rejected[own])

    def beyond_rings(self, minute: int) -> tuple[int | None, int | None]:
        """The day and the week bucket to read again when this complete minute changes.

        None if the rings hold all that the bucket is made of, and if it lies outside of the window.
        """
        return self._blocks[0].beyond_rings(minute)

    def fill_minute(self, minute: int, indices: Indices, sums: Sums) -> None:
        """While the grid is filled; `finalize` follows. The same for the other two."""
        for block, own, places in self._parts(indices):
            assert not isinstance(places, slice)
            block.fill_minute(minute, places, sums[:, own])

    def fill_day(self, bucket: int, indices: Columns, sums: Sums) -> None:
        for block, own, places in self._parts(indices):
            block.fill_day(bucket, places, sums[:, own])

    def fill_week(self, bucket: int, indices: Columns, sums: Sums) -> None:
        for block, own, places in self._parts(indices):
            block.fill_week(bucket, places, sums[:, own])

    def put_day(self, bucket: int, indices: Indices, sums: Sums) -> None:
        """Set a closed half hour that lies in the window."""
        for block, own, places in self._parts(indices):
            assert not isinstance(places, slice)
            block.put_day(bucket, places, sums[:, own])

    def put_week(self, bucket: int, indices: Indices, sums: Sums) -> None:
        """Set closed three hours that lie in the window."""
        for block, own, places in self._parts(indices):
            assert not isinstance(places, slice)
            block.put_week(bucket, places, sums[:, own])

    def finalize(self, workers: int) -> None:
        """After filling: sum up every coarse bucket that lies in a finer ring.

        Half hours that begin before the minutes, and three hours that begin before the day's
        window, must have been filled.
        """
        for block, own, _ in self._parts(slice(0, workers)):
            assert isinstance(own, slice)
            block.finalize(own.stop - own.start)

    def advance(self, watermark: int) -> None:
        """Move the end of all windows; nothing if it is there already. Never goes back."""
        for block in self._blocks:
            block.advance(watermark)

    def in_progress(self, indices: Indices) -> Sums:
        """float64[2, len(indices)]: of the minute that no window holds yet."""
        sums: Sums = np.zeros((2, len(indices)))
        for block, own, places in self._parts(indices):
            sums[:, own] = block.in_progress(places)
        return sums

    def bucket_sums(self, width_min: int, bucket: int, workers: int) -> Sums:
        """float64[2, workers]: a closed half hour, or three hours, that lies in the window."""
        sums: Sums = np.empty((2, workers))
        for block, own, places in self._parts(slice(0, workers)):
            sums[:, own] = block.bucket_sums(width_min, bucket, places)
        return sums

    def totals(self, workers: int) -> NDArray[np.float64]:
        """float64[4, 2, workers]: accepted and rejected difficulty in each of `WINDOWS`."""
        totals = np.empty((len(WINDOWS), 2, workers))
        for block, own, _ in self._parts(slice(0, workers)):
            block.totals(totals[:, :, own])
        return totals

    def _parts(self, indices: Columns) -> Iterator[_Part]:
        if isinstance(indices, slice):
            yield from self._parts_of_range(indices.start or 0, indices.stop)
            return
        if len(self._blocks) == 1:
            yield self._blocks[0], np.arange(len(indices)), indices
            return
        order: Columns = slice(0, len(indices))
        if (indices[1:] < indices[:-1]).any():
            order = np.argsort(indices, kind="stable")
            indices = indices[order]
        bases = np.arange(len(self._blocks) + 1) * self._block_workers
        bounds = np.searchsorted(indices, bases).tolist()
        for number, (start, end) in enumerate(pairwise(bounds)):
            if start < end:
                own = slice(start, end) if isinstance(order, slice) else order[start:end]
                yield self._blocks[number], own, indices[start:end] - bases[number]

    def _parts_of_range(self, start: int, stop: int) -> Iterator[_Part]:
        for number, block in enumerate(self._blocks):
            base = number * self._block_workers
            first, end = max(start, base), min(stop, base + self._block_workers)
            if first < end:
                own = slice(first - start, end - start)
                yield block, own, slice(first - base, end - base)
