"""How finely history of some age is kept: pure.

          day            hour           quarter        minute          (live)
    ────────────── kept ───────── kept ───────── kept ────────── live_from ──▶ time
                  hours        15 minutes       minutes

Work older than the minutes that are kept goes straight into the rollups that are; each as fine as
the lowest level that still holds its time. All four borders are midnights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.rollups.retention import LONGEST_READ, Policies
from schemas.windows import DAY_S, LEVELS, MINUTE_S, MINUTES, floor_to

# Retention may drop a day of minutes at any time from its midnight on. A transaction that writes
# minutes leaves alone the day that comes next, an hour before its turn.
_MARGIN_S = 3_600


@dataclass(frozen=True, slots=True)
class Ages:
    """From when on (epoch seconds) each level holds everything, and where live counting begins."""

    minutes_from_s: int
    levels_from_s: tuple[int, ...]
    """In the order of LEVELS."""
    live_from_s: int

    @property
    def windows_from_s(self) -> int:
        """Work from here on may lie in windows of the leader."""
        return self.live_from_s - round(LONGEST_READ.total_seconds())

    def widths_s(self, second_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """Width of the buckets that work of these seconds is folded into."""
        widths = np.full(len(second_s), LEVELS[-1].width_s, np.int64)
        for level, from_s in reversed(tuple(zip(LEVELS, self.levels_from_s, strict=True))):
            widths[second_s >= from_s] = level.width_s
        widths[second_s >= self.minutes_from_s] = MINUTE_S
        return widths


def ages(policies: Policies, *, now_s: int, live_from_s: int, marked_s: int) -> Ages:
    """At stream time `now_s`; retention has dropped minutes before `marked_s` (0: none)."""

    def kept_from_s(level: str, margin_s: int = 0) -> int:
        keep = policies.keep(level)
        return (
            0 if keep is None else floor_to(now_s + margin_s - round(keep.total_seconds()), DAY_S)
        )

    return Ages(
        max(marked_s, kept_from_s(MINUTES, _MARGIN_S)),
        tuple(kept_from_s(level.name) for level in LEVELS),
        live_from_s,
    )
