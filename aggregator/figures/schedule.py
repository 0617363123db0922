"""When the next cycle is due: in phase with the minute, and with rests for the database."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from aggregator.figures.config import FiguresConfig
from schemas.windows import MINUTE_S

# Stream time lags the clock by some tenths of a second, so it is still in the minute.
_LAST_LOOK_S: Final = 1.0


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

    A cycle begins in phase (5, 20, 35, 50 s past the minute):

    - one that takes a minute in at least `backoff_ratio` durations after the last of its kind
      began, and as long after the last cycle;
    - any other after a rest as long as its kind takes (at a ratio of 2).

    While one that takes a minute in works, figures stay as old as the cycle before it left them. So
    one more takes a last look a second before the minute is over, if it is sure to be done in time.

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
        after_s = max(self._last.end_s, self._last.began_s + 0.001)
        return next(
            due_s
            for due_s in heapq.merge(self._phases(after_s), self._last_look(after_s))
            if due_s >= self._rested_s(takes_minute=due_s // MINUTE_S > self._watermark)
        )

    def wait_s(self, now_s: float) -> float:
        """Seconds from `now_s` to the next cycle; no more than a cycle apart, should somebody have
        set the wall clock back meanwhile."""
        due_s = self.due_s()
        return max(0.0, min(due_s - now_s, due_s - self._last.began_s))

    def _rested_s(self, *, takes_minute: bool) -> float:
        """From when on the database has rested enough for a cycle of this kind."""
        last, ratio = self._last, self._config.backoff_ratio
        if takes_minute:
            minute = self._last_minute or last
            return max(each.began_s + ratio * each.took_s for each in (last, minute))
        return last.end_s + (ratio - 1) * (self._last_other or last).took_s

    def _phases(self, after_s: float) -> Iterator[float]:
        cycle_s, phase_s = self._config.cycle_s, self._config.cycle_phase_s
        for number in count(math.ceil((after_s - phase_s) / cycle_s)):
            yield number * cycle_s + phase_s

    def _last_look(self, after_s: float) -> Iterator[float]:
        """Before the minute in progress is over, if that is to come and the next phase is not put
        off by it."""
        due_s = (self._watermark + 1) * MINUTE_S - _LAST_LOOK_S
        took_s = (self._last_other or self._last).took_s
        rested_s = due_s + self._config.backoff_ratio * took_s
        if due_s >= after_s and rested_s <= next(self._phases(due_s)):
            yield due_s
