"""Where time comes from: the edge asks a clock, everything inside takes times as arguments."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock and a clock for durations that never runs back."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock for tests: stands still until `advance`."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._now_ms / 1_000

    def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1_000)
