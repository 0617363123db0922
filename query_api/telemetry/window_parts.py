"""Which stored rows a window is the sum of: the same ones as the leader's rings.

    1w  hours                                      quarters    minutes
        |=======|=======| ... ====|========================|==========|
      first   inner (rows before it count `weight`)        last :00/:15...  watermark

A window ends at the watermark and begins in the middle of its oldest bucket, which counts by the
whole minutes of it that are still inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from schemas.windows import LEVELS, MINUTE_S, WINDOWS, WindowSpec, floor_to

_WIDTH_S: Final = {level.name: level.width_s for level in LEVELS}
WINDOW_OF_SPAN: Final = {window.span_s: window for window in WINDOWS}


@dataclass(frozen=True, slots=True)
class WindowParts:
    """Spans [from, to) in epoch seconds, empty or not; `weight` is that of rows before `inner_s`,
    all others count whole."""

    # Of minutes, or of the level that the statement reads in their place.
    minutes: tuple[int, int]
    quarters: tuple[int, int]
    hours: tuple[int, int]
    inner_s: int
    weight: float

    def parameters(self) -> tuple[Any, ...]:
        """In the order of the statement `rejects`, after the ids."""
        timestamps = [
            datetime.fromtimestamp(at_s, UTC)
            for at_s in (*self.minutes, self.inner_s, *self.quarters, *self.hours)
        ]
        return (*timestamps, self.weight)


def parts_of(window: WindowSpec, watermark_s: int) -> WindowParts:
    """`watermark_s` is a whole minute."""
    width_s = window.bucket_s
    first = floor_to(watermark_s, width_s) - window.span_s
    if width_s == MINUTE_S:
        return WindowParts((first, watermark_s), (first, first), (first, first), first, 1.0)
    quarters_to = floor_to(watermark_s, _WIDTH_S["15m"])
    # Hours only if the window begins with one.
    hours_to = first if width_s % _WIDTH_S["1h"] else floor_to(watermark_s, _WIDTH_S["1h"])
    return WindowParts(
        (quarters_to, watermark_s),
        (hours_to, quarters_to),
        (first, hours_to),
        first + width_s,
        1 - watermark_s % width_s / width_s,
    )


def whole_span(from_s: int, to_s: int) -> WindowParts:
    """Rows of one level alone, all of them whole."""
    nothing = (from_s, from_s)
    return WindowParts((from_s, to_s), nothing, nothing, from_s, 1.0)
