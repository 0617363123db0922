"""When the next cycle is due: in phase with the minute, and with rests for the database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from aggregator.figures.config import FiguresConfig
from schemas.windows import MINUTE_S

# Stream time lags the clock by some tenths of a second, so it is still in the minute.
_LAST_LOOK_S: Final = 1.0
# A cycle is brief if it takes no more than this part of the time between two.
_BRIEF: Final = 1 / 12


@dataclass(frozen=True, slots=True)
class PastCycle:
    """When a cycle began, by the wall clock, and how long it took; seconds."""

    began_s: float
    took_s: float

    @property
    def end_s(self) -> float:
        return self.began_s + self.took_s


class Schedule:
    """Of one term as leader. There are two kinds of cycles: with a million workers one that takes a
    whole minute in works for many seconds, those between two of them for less than one, and it is
    they that keep figures young.

    A cycle begins in phase (5, 20, 35, 50 s past the minute) when the database has rested:

    - for one that takes a minute in until at least `backoff_ratio` durations after the last of its
      kind began, and as long after the last cycle. If that is out of phase, it begins at once;
    - for any other as long as its kind takes (at a ratio of 2). Brief ones begin then, too.

    While one that takes a minute in works, figures stay as old as the cycle before it left them. So
    a brief one takes a last look a second before the minute is over.

    So the database works for cycles less than half of the time, or little more where one of a whole
    minute takes half a minute.
    """

    def __init__(self, config: FiguresConfig) -> None:
        self._config = config
        self._last = PastCycle(-math.inf, 0.0)
        self._last_minute: PastCycle | None = None
        self._last_other: PastCycle | None = None
        self._watermark = 0

    def note(self, cycle: PastCycle, *, watermark: int) -> None:
        """A cycle is over; all minutes before minute `watermark` are taken in."""
        if watermark > self._watermark:
            self._last_minute = cycle
        else:
            self._last_other = cycle
        self._last, self._watermark = cycle, watermark

    def due_s(self) -> float:
        """Wall clock of the next cycle, once there was one."""
        phase_s = self._phase_from(self._last.began_s + 0.001)
        due_s = max(phase_s, self._rested_s(phase_s))
        # The rest of a short one may last into the next minute, where it is a long one.
        due_s = max(due_s, self._rested_s(due_s))
        look_s = (self._watermark + 1) * MINUTE_S - _LAST_LOOK_S
        if self._others_are_brief and self._rested_s(look_s) <= look_s:
            return min(look_s, due_s)
        return due_s

    def wait_s(self, now_s: float) -> float:
        """Seconds from `now_s` to the next cycle; no more than a cycle apart, should somebody have
        set the wall clock back meanwhile."""
        due_s = self.due_s()
        return max(0.0, min(due_s - now_s, due_s - self._last.began_s))

    def _phase_from(self, at_s: float) -> float:
        cycle_s, phase_s = self._config.cycle_s, self._config.cycle_phase_s
        return math.ceil((at_s - phase_s) / cycle_s) * cycle_s + phase_s

    @property
    def _other_s(self) -> float:
        return (self._last_other or self._last).took_s

    @property
    def _others_are_brief(self) -> bool:
        """So that two more of them a minute take the database next to nothing."""
        return self._other_s <= _BRIEF * self._config.cycle_s

    def _rested_s(self, at_s: float) -> float:
        """From when on a cycle of the kind that would begin at `at_s` may do so."""
        last, ratio = self._last, self._config.backoff_ratio
        if at_s // MINUTE_S <= self._watermark:
            rested_s = last.end_s + (ratio - 1) * self._other_s
            return rested_s if self._others_are_brief else self._phase_from(rested_s)
        flushed_s = at_s // MINUTE_S * MINUTE_S + self._config.cycle_phase_s
        minute = self._last_minute or last
        return max(flushed_s, *(each.began_s + ratio * each.took_s for each in (last, minute)))
