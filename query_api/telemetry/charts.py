"""Charts: which buckets make a chart, and its points as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from query_api.http.timestamps import rfc3339
from schemas.share import REJECT_REASONS
from schemas.units import format_hps, write_hps
from schemas.windows import DAY_S, HOUR_S, MINUTES, PERIODS, PeriodSpec, floor_to

PACKED: Final = np.dtype([("at_s", ">f8"), ("accepted", ">f8"), ("rejected", ">f8")])
"""A bucket: its start in epoch seconds and its difficulty sums, as PostgreSQL sends float8."""

PACKED_REASONS: Final = np.dtype([("at_s", ">f8"), *((reason, ">f8") for reason in REJECT_REASONS)])
"""A bucket's rejected difficulty by reason."""

SPEC_OF_PERIOD: Final = {spec.period: spec for spec in PERIODS}

NOT_RUNNING: Final = b'"running":null,'

POINTS_MAX: Final = 500
"""A screen has not many more pixels for a chart, and 100 such charts are 4 MB."""

RANGE_MIN_S: Final = HOUR_S
RANGE_MAX_S: Final = 400 * DAY_S
"""Thirteen months and some days: a day of last year beside today's."""


@dataclass(frozen=True, slots=True)
class IntervalSpec:
    """A spacing of points, and the relation suffix that they are summed from."""

    name: str
    width_s: int
    level: str


INTERVALS: Final = (
    IntervalSpec("PT1M", 60, MINUTES),
    IntervalSpec("PT5M", 300, MINUTES),
    IntervalSpec("PT15M", 900, "15m"),
    IntervalSpec("PT1H", 3_600, "1h"),
    IntervalSpec("PT3H", 10_800, "1h"),
    IntervalSpec("PT6H", 21_600, "1h"),
    IntervalSpec("P1D", DAY_S, "1d"),
)
"""Finest first."""

_INTERVAL_OF_NAME: Final = {spec.name: spec for spec in INTERVALS}

KEPT_S: Final[Mapping[str, int]] = MappingProxyType(
    {MINUTES: 3 * DAY_S, "15m": 35 * DAY_S, "1h": 396 * DAY_S}
)
"""How far back a level reaches if nobody says; days are kept for good."""


class Period(StrEnum):
    """How far back a chart reaches."""

    PT15M = "PT15M"
    PT1H = "PT1H"
    P1D = "P1D"
    P1W = "P1W"

    @property
    def spec(self) -> PeriodSpec:
        return SPEC_OF_PERIOD[self.value]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From one time to another, in epoch seconds; without an end up to the newest figures."""

    from_s: int
    to_s: int | None


Reach: TypeAlias = Period | TimeRange


@dataclass(frozen=True, slots=True)
class Span:
    """The time a chart covers, `[from_s, to_s)`, in epoch seconds."""

    from_s: int
    to_s: int
    interval: IntervalSpec

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.from_s, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.to_s, UTC)

    @property
    def length_s(self) -> int:
        return self.to_s - self.from_s

    @property
    def points(self) -> int:
        return self.length_s // self.interval.width_s


def span_of(reach: Reach, watermark_s: int, kept_s: Mapping[str, int] = KEPT_S) -> Span:
    """The span that ends with the last complete interval before `watermark_s`, or earlier."""
    if isinstance(reach, Period):
        interval = _INTERVAL_OF_NAME[reach.spec.interval]
        to_s = floor_to(watermark_s, interval.width_s)
        return Span(to_s - reach.spec.span_s, to_s, interval)
    spans = (_range_span(reach, watermark_s, interval) for interval in INTERVALS)
    fitting = (
        span
        for span in spans
        if span.points < POINTS_MAX
        and span.from_s >= watermark_s - kept_s.get(span.interval.level, watermark_s)
    )
    # A day's points always fit and are kept for good.
    return next(fitting)


def _range_span(reach: TimeRange, watermark_s: int, interval: IntervalSpec) -> Span:
    """Whole intervals that hold the range, as far as they are complete."""
    width_s = interval.width_s
    from_s = floor_to(reach.from_s, width_s)
    to_s = floor_to(watermark_s, width_s)
    if reach.to_s is not None:
        to_s = min(to_s, floor_to(reach.to_s + width_s - 1, width_s))
    return Span(from_s, max(from_s, to_s), interval)


def reaches_running(reach: Reach, span: Span) -> bool:
    """Whether the interval after the last point belongs to what is asked for."""
    return isinstance(reach, Period) or reach.to_s is None or reach.to_s > span.to_s


_NUMBER: Final = "\0"
"""Where a number comes in a template. No JSON text holds it."""


def _around_numbers(points: Iterable[str]) -> Sequence[bytes]:
    """The bytes before, between and after the numbers of an array of these points."""
    return f"[{','.join(points)}]".encode().split(_NUMBER.encode())


@lru_cache(maxsize=64)
def _template(span: Span) -> Sequence[bytes]:
    """A chart without its rates: the timestamps are the same for every chart."""
    return _around_numbers(
        f'{{"timestamp":{at},"hashrate":"{_NUMBER}","rejectrate":"{_NUMBER}"}}'
        for at in range(span.from_s, span.to_s, span.interval.width_s)
    )


@lru_cache(maxsize=64)
def _reasons_template(span: Span) -> Sequence[bytes]:
    reasons = ",".join(f'"{reason}":"{_NUMBER}"' for reason in REJECT_REASONS)
    return _around_numbers(
        f'{{"timestamp":{at},{reasons}}}'
        for at in range(span.from_s, span.to_s, span.interval.width_s)
    )


@lru_cache(maxsize=64)
def chart_head(span: Span) -> bytes:
    """`{"from":...,"to":...,"interval":...,"data":`"""
    return (
        f'{{"from":"{rfc3339(span.start)}","to":"{rfc3339(span.end)}",'
        f'"interval":"{span.interval.name}","data":'
    ).encode()


def points(span: Span, packed: bytes | None) -> bytes:
    """A JSON array with a point for every interval of the span, zeros where nothing was.

    `packed` holds buckets inside the span as `PACKED`, in any order, several for one interval too;
    None means no bucket.
    """
    return _filled(_template(span), span, packed, PACKED)


def reason_points(span: Span, packed: bytes | None) -> bytes:
    """The same of `PACKED_REASONS`: rejected hashes per second by reason."""
    return _filled(_reasons_template(span), span, packed, PACKED_REASONS)


def _filled(
    template: Sequence[bytes], span: Span, packed: bytes | None, dtype: np.dtype[np.void]
) -> bytes:
    names: Sequence[str] = (dtype.names or ())[1:]
    values = np.zeros((span.points, len(names)))
    if packed is not None:
        buckets = np.frombuffer(packed, dtype)
        index = ((buckets["at_s"] - span.from_s) // span.interval.width_s).astype(np.intp)
        for column, name in enumerate(names):
            values[:, column] = np.bincount(index, buckets[name], span.points)
    # Template, number, hundredths, template, number, hundredths, ... template.
    pieces = [b""] * (3 * values.size + 1)
    pieces[::3] = template
    pieces[1::3], pieces[2::3] = write_hps(values.ravel(), span.interval.width_s)
    return b"".join(pieces)


def running_parts(span: Span, watermark_s: int) -> tuple[tuple[str, int, int], ...]:
    """Level, from and to of what the interval after the last point is summed from: the minutes of a
    day are a thousand a chart, so its whole hours come from their rollup."""
    hours_to_s = max(span.to_s, floor_to(watermark_s, HOUR_S))
    if span.interval.width_s <= HOUR_S or hours_to_s == span.to_s:
        return ((MINUTES, span.to_s, watermark_s),)
    return (("1h", span.to_s, hours_to_s), (MINUTES, hours_to_s, watermark_s))


def running(span: Span, watermark_s: int, accepted: float, rejected: float) -> bytes:
    """`"running":...,`: the interval after the last point, as far as it is complete; null at its
    beginning. Rates are those of the time that has passed."""
    passed_s = watermark_s - span.to_s
    if passed_s <= 0:
        return NOT_RUNNING
    to = rfc3339(datetime.fromtimestamp(watermark_s, UTC))
    return (
        f'"running":{{"timestamp":{span.to_s},"to":"{to}",'
        f'"hashrate":"{format_hps(accepted, passed_s)}",'
        f'"rejectrate":"{format_hps(rejected, passed_s)}"}},'
    ).encode()
