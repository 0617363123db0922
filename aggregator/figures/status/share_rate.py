"""How often a worker (or a source) shares: counts of the newest minutes → its share interval."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.windows import MINUTE_S
from schemas.worker import StatusPolicy

Counts = NDArray[np.uint16] | NDArray[np.uint32]
"""[rows, keys]: accepted shares of a minute in row (minute number % rows)."""

_NO_MINUTE: Final = -1


class CountClock:
    """Which minute each row of a ring of counts holds; the ring itself may grow and move.

    Not thread-safe: the leader's task owns it. A minute that has left the ring is refused, a minute
    ahead of it turns the ring and blanks what it passes.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.newest_s = _NO_MINUTE

    def put(
        self,
        counts: Counts,
        minute_s: int,
        *,
        keys: NDArray[np.intp],
        accepted: NDArray[np.int64],
    ) -> bool:
        """Take the counts of one minute; False for a minute that has left the ring.

        The larger count stays and nothing is added up: counts of a minute only grow, so one that is
        read again as it fills, or in part for a late share, is right. A count that the ring's type
        cannot hold becomes the largest it can.
        """
        self._turn_to(counts, minute_s)
        if minute_s <= self.newest_s - self._rows * MINUTE_S:
            return False
        row = counts[minute_s // MINUTE_S % self._rows]
        row[keys] = np.maximum(row[keys], np.minimum(accepted, np.iinfo(counts.dtype).max))
        return True

    def rows_back(self, minute_s: int, span_s: int) -> list[tuple[int, int]]:
        """(minute start, row) of the minutes of `span_s` that end with `minute_s`, oldest first."""
        oldest = max(minute_s - span_s, self.newest_s - self._rows * MINUTE_S) + MINUTE_S
        return [
            (start_s, start_s // MINUTE_S % self._rows)
            for start_s in range(oldest, minute_s + MINUTE_S, MINUTE_S)
        ]

    def holds(self, minute_s: int, span_s: int) -> bool:
        """Whether all minutes of `span_s` that end with `minute_s` are in the ring."""
        return minute_s - span_s >= self.newest_s - self._rows * MINUTE_S

    def _turn_to(self, counts: Counts, minute_s: int) -> None:
        if self.newest_s != _NO_MINUTE and minute_s > self.newest_s:
            passed = min((minute_s - self.newest_s) // MINUTE_S, self._rows)
            for back in range(passed):
                counts[(minute_s // MINUTE_S - back) % self._rows] = 0
        self.newest_s = max(self.newest_s, minute_s)


def share_intervals(
    counts: Counts,
    clock: CountClock,
    *,
    keys: NDArray[np.intp],
    last_share_s: NDArray[np.int64],
    minute_s: int,
    policy: StatusPolicy,
) -> NDArray[np.float64]:
    """Seconds between accepted shares, as of a last share within `minute_s`; float64[len(keys)].

    The shares of `rate_span_s` before the last one, over the time since the first of them (at least
    `rate_min_span_s`). The first is known to the minute: its minute's start stands for it. 0 where
    the ring holds no share of the key.
    """
    total = np.zeros(len(keys), np.int64)
    first_s = np.zeros(len(keys), np.int64)
    for start_s, row in reversed(clock.rows_back(minute_s, policy.rate_span_s)):
        found = counts[row, keys]
        total += found
        first_s[found > 0] = start_s
    span_s = np.maximum(last_share_s - first_s, policy.rate_min_span_s)
    return np.where(total > 0, span_s / np.maximum(total, 1), 0.0)
