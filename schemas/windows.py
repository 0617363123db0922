"""Every span of time the service speaks of: windows, chart periods, rollup levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A sliding window that ends at the last complete minute, kept in a ring of buckets."""

    name: str
    span_s: int
    bucket_s: int


WINDOWS: Final = (
    WindowSpec("15m", span_s=900, bucket_s=60),
    WindowSpec("1h", span_s=3_600, bucket_s=60),
    WindowSpec("1d", span_s=86_400, bucket_s=1_800),
    WindowSpec("1w", span_s=604_800, bucket_s=10_800),
)


@dataclass(frozen=True, slots=True)
class PeriodSpec:
    """A chart: how far it reaches back and how its points are spaced (ISO 8601 durations)."""

    period: str
    span_s: int
    interval: str
    interval_s: int

    @property
    def points(self) -> int:
        return self.span_s // self.interval_s


PERIODS: Final = (
    PeriodSpec("PT15M", span_s=900, interval="PT1M", interval_s=60),
    PeriodSpec("PT1H", span_s=3_600, interval="PT5M", interval_s=300),
    PeriodSpec("P1D", span_s=86_400, interval="PT15M", interval_s=900),
    PeriodSpec("P1W", span_s=604_800, interval="PT1H", interval_s=3_600),
)


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """A rollup level: relation suffix (`worker_15m`, `entity_15m`) and bucket width in seconds.

    Each width is a multiple of the one below; the SELECT of a level reads the level below.
    """

    name: str
    width_s: int
    below: str


MINUTES: Final = "minutes"
LEVELS: Final = (
    LevelSpec("15m", width_s=900, below=MINUTES),
    LevelSpec("1h", width_s=3_600, below="15m"),
    LevelSpec("1d", width_s=DAY_S, below="1h"),
)


def floor_to(timestamp_s: int, width_s: int) -> int:
    """Start of the bucket of `width_s` seconds that holds `timestamp_s`, counted from the epoch."""
    return timestamp_s - timestamp_s % width_s
