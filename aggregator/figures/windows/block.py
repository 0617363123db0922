"""The sliding windows of up to 8,192 workers: 15m, 1h, 1d and 1w, exact and without drift.

    minutes   |. . . . . . . . . . . . .|T        62 rows: 15m and 1h, and the minute in progress
    30 min    |o....|....|....|....|....|.p       49 rows: 1d = weighted o + full + partial p
    3 h       |o.........|..........|...c|        57 rows: 1w = weighted o + full + c + p

T (`watermark`) is the end of the last complete minute. A coarse bucket is always the sum of what
it is made of, in order, and never the difference of two sums: whole difficulties stay exact for
ever, fractional ones give the same bits however they came in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.windows.buckets import (
    DAY_BUCKET_MIN,
    DAY_BUCKETS,
    DAY_PER_WEEK_BUCKET,
    HOUR_MIN,
    MINUTE_ROWS,
    QUARTER_MIN,
    WEEK_BUCKET_MIN,
    WEEK_BUCKETS,
)
from aggregator.figures.windows.ring import BucketRing, Columns, Sums
from aggregator.figures.worker_arrays import Indices


class WindowBlock:
    """Accepted and rejected difficulty by index, over every window that ends at `watermark`.

    Minutes and buckets are whole numbers since the epoch. Not thread-safe: one task owns a block.
    A minute exactly one window old is outside; a minute after the one in progress is refused.
    """

    def __init__(self, watermark: int, capacity: int = 1_024) -> None:
        self.watermark = watermark
        self.capacity = capacity
        self._minutes = BucketRing(MINUTE_ROWS, capacity)
        self._day = BucketRing(DAY_BUCKETS + 1, capacity)
        self._week = BucketRing(WEEK_BUCKETS + 1, capacity)
        # Sums of the full buckets between the oldest and the newest, and for which newest bucket
        # they hold: they change every half hour and every three hours only.
        self._day_inside: Sums = np.zeros((2, capacity))
        self._week_inside: Sums = np.zeros((2, capacity))
        self._day_inside_at = self.day_bucket
        self._week_inside_at = self.week_bucket

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
        rings = self._minutes.nbytes + self._day.nbytes + self._week.nbytes
        return (rings + self._day_inside.nbytes + self._week_inside.nbytes) // self.capacity

    def reserve(self, workers: int, *, at_most: int | None = None) -> None:
        """Room for so many workers; doubles, up to `at_most`."""
        if workers <= self.capacity:
            return
        capacity = max(workers, min(2 * self.capacity, at_most or 2 * self.capacity))
        for ring in (self._minutes, self._day, self._week):
            ring.grow(capacity)
        self._day_inside = _grown(self._day_inside, capacity)
        self._week_inside = _grown(self._week_inside, capacity)
        self.capacity = capacity

    def replace(
        self,
        minute: int,
        indices: Indices,
        accepted: NDArray[np.float64],
        rejected: NDArray[np.float64],
    ) -> None:
        """Set a minute of some workers (each index at most once) to what the database holds.

        The buckets that can't be summed anew from the rings (`beyond_rings`) the caller reads from
        the database into `put_day` and `put_week`. ValueError for a minute after the one in
        progress.
        """
        if minute > self.watermark:
            raise ValueError(f"minute {minute} lies after the one in progress, {self.watermark}")
        if minute >= self.oldest_minute:
            self._minutes.put(minute, indices, np.stack((accepted, rejected)))
        bucket = minute // DAY_BUCKET_MIN
        if minute < self.watermark and bucket * DAY_BUCKET_MIN >= self.oldest_minute:
            self._sum_day(bucket, indices)
            if bucket < self.day_bucket:
                self._changed_day(bucket, indices)

    def beyond_rings(self, minute: int) -> tuple[int | None, int | None]:
        """The day and the week bucket to read again when this complete minute changes.

        None where the rings hold all that the bucket is made of, and where it lies outside of the
        window.
        """
        day, week = minute // DAY_BUCKET_MIN, minute // WEEK_BUCKET_MIN
        oldest_day = self.day_bucket - DAY_BUCKETS
        in_minutes = day * DAY_BUCKET_MIN >= self.oldest_minute
        in_day = week * DAY_PER_WEEK_BUCKET >= oldest_day
        return (
            day if oldest_day <= day and not in_minutes else None,
            week if self.week_bucket - WEEK_BUCKETS <= week and not in_day else None,
        )

    def days_beyond_minutes(self) -> range:
        """Closed half hours in the window that begin before the minutes."""
        return range(self.day_bucket - DAY_BUCKETS, -(-self.oldest_minute // DAY_BUCKET_MIN))

    def weeks_beyond_days(self) -> range:
        """Closed three hours in the window that begin before the day's window."""
        oldest_day = self.day_bucket - DAY_BUCKETS
        return range(self.week_bucket - WEEK_BUCKETS, -(-oldest_day // DAY_PER_WEEK_BUCKET))

    def fill_minute(self, minute: int, indices: Indices, sums: Sums) -> None:
        """While the grid is filled; `finalize` follows. The same for the other two."""
        self._minutes.put(minute, indices, sums)

    def fill_day(self, bucket: int, indices: Columns, sums: Sums) -> None:
        self._day.put(bucket, indices, sums)

    def fill_week(self, bucket: int, indices: Columns, sums: Sums) -> None:
        self._week.put(bucket, indices, sums)

    def put_day(self, bucket: int, indices: Indices, sums: Sums) -> None:
        """Set a closed half hour that lies in the window."""
        self._day.put(bucket, indices, sums)
        self._changed_day(bucket, indices)

    def put_week(self, bucket: int, indices: Indices, sums: Sums) -> None:
        """Set closed three hours that lie in the window."""
        self._week.put(bucket, indices, sums)
        self._changed_week(bucket, indices)

    def finalize(self, workers: int) -> None:
        """After filling: sum up every coarse bucket that lies in a finer ring.

        Half hours that begin before the minutes, and three hours that begin before the day's
        window, must have been filled.
        """
        everyone = slice(0, workers)
        for bucket in range(self.days_beyond_minutes().stop, self.day_bucket + 1):
            self._sum_day(bucket, everyone)
        for bucket in range(self.weeks_beyond_days().stop, self.week_bucket + 1):
            self._sum_week(bucket, everyone)
        self._day_inside_at = self._week_inside_at = -1

    def advance(self, watermark: int) -> None:
        """Move the end of all windows; nothing where it lies there already. Never goes back."""
        if watermark - self.watermark > (WEEK_BUCKETS + 1) * WEEK_BUCKET_MIN:
            self._forget(watermark)
        while self.watermark < watermark:
            boundary = (self.day_bucket + 1) * DAY_BUCKET_MIN
            self._step(min(watermark, boundary), boundary)

    def bucket_sums(self, width_min: int, bucket: int, indices: Columns) -> Sums:
        """A closed bucket of the day's or the week's ring, to read only."""
        ring = {DAY_BUCKET_MIN: self._day, WEEK_BUCKET_MIN: self._week}[width_min]
        return ring.get(bucket, indices)

    def in_progress(self, indices: Columns) -> Sums:
        """The minute that begins at `watermark`, to read only."""
        return self._minutes.get(self.watermark, indices)

    def totals(self, into: NDArray[np.float64]) -> None:
        """Accepted and rejected difficulty in each of `WINDOWS`, into float64[4, 2, indices]."""
        part = slice(0, into.shape[2])
        self._refresh_inside(part)
        quarter, hour, day, week = into
        self._recent(part, quarter, hour)
        self._long(part, day, week)

    def _recent(self, part: slice, quarter: Sums, hour: Sums) -> None:
        """The hour: the minutes before its first whole half hour, then half hours."""
        end = self.watermark
        quarter[:] = self._minutes.total(range(end - QUARTER_MIN, end), part)
        whole = -(-(end - HOUR_MIN) // DAY_BUCKET_MIN)
        hour[:] = self._minutes.total(range(end - HOUR_MIN, whole * DAY_BUCKET_MIN), part)
        for bucket in range(whole, self.day_bucket + 1):
            hour += self._day.get(bucket, part)

    def _long(self, part: slice, day: Sums, week: Sums) -> None:
        """The oldest bucket counts by the whole minutes of it that are still inside."""
        newest = self._day.get(self.day_bucket, part)
        weight = (DAY_BUCKET_MIN - self.watermark % DAY_BUCKET_MIN) / DAY_BUCKET_MIN
        np.multiply(self._day.get(self.day_bucket - DAY_BUCKETS, part), weight, out=day)
        day += self._day_inside[:, part]
        day += newest
        weight = (WEEK_BUCKET_MIN - self.watermark % WEEK_BUCKET_MIN) / WEEK_BUCKET_MIN
        np.multiply(self._week.get(self.week_bucket - WEEK_BUCKETS, part), weight, out=week)
        week += self._week_inside[:, part]
        week += self._week.get(self.week_bucket, part)
        week += newest

    def _step(self, to: int, boundary: int) -> None:
        """Complete the minute in progress and the empty ones after it, within one half hour."""
        everyone = slice(None)
        bucket = self.day_bucket
        self._day.add(bucket, everyone, self._minutes.get(self.watermark, everyone))
        # Rows beyond one turn of the ring would be cleared twice.
        for minute in range(max(self.watermark + 1, to - MINUTE_ROWS + 1), to + 1):
            self._minutes.clear(minute)
        week = self.week_bucket
        self.watermark = to
        if to < boundary:
            return
        self._week.add(week, everyone, self._day.get(bucket, everyone))
        self._day.clear(self.day_bucket)
        if self.week_bucket > week:
            self._week.clear(self.week_bucket)

    def _forget(self, watermark: int) -> None:
        """A jump longer than all windows."""
        for ring in (self._minutes, self._day, self._week):
            ring.clear_all()
        self.watermark = watermark
        self._day_inside_at = self._week_inside_at = -1

    def _sum_day(self, bucket: int, indices: Columns) -> None:
        first = bucket * DAY_BUCKET_MIN
        end = min(first + DAY_BUCKET_MIN, self.watermark)
        self._day.put(bucket, indices, self._minutes.total(range(first, end), indices))

    def _sum_week(self, bucket: int, indices: Columns) -> None:
        """Three hours are the sum of their closed half hours."""
        first = bucket * DAY_PER_WEEK_BUCKET
        end = min(first + DAY_PER_WEEK_BUCKET, self.day_bucket)
        self._week.put(bucket, indices, self._day.total(range(first, end), indices))

    def _changed_day(self, bucket: int, indices: Indices) -> None:
        if self._day_inside_at == self.day_bucket:
            self._day_inside[:, indices] = self._day.total(self._day_inner(), indices)
        week = bucket // DAY_PER_WEEK_BUCKET
        if week * DAY_PER_WEEK_BUCKET >= self.day_bucket - DAY_BUCKETS:
            self._sum_week(week, indices)
            self._changed_week(week, indices)

    def _changed_week(self, bucket: int, indices: Indices) -> None:
        if bucket < self.week_bucket and self._week_inside_at == self.week_bucket:
            self._week_inside[:, indices] = self._week.total(self._week_inner(), indices)

    def _day_inner(self) -> range:
        return range(self.day_bucket - DAY_BUCKETS + 1, self.day_bucket)

    def _week_inner(self) -> range:
        return range(self.week_bucket - WEEK_BUCKETS + 1, self.week_bucket)

    def _refresh_inside(self, part: slice) -> None:
        if self._day_inside_at != self.day_bucket:
            self._day_inside[:, part] = self._day.total(self._day_inner(), part)
            self._day_inside_at = self.day_bucket
        if self._week_inside_at != self.week_bucket:
            self._week_inside[:, part] = self._week.total(self._week_inner(), part)
            self._week_inside_at = self.week_bucket


def _grown(sums: Sums, capacity: int) -> Sums:
    grown = np.zeros((2, capacity))
    grown[:, : sums.shape[1]] = sums
    return grown
