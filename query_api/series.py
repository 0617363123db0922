"""Charts: which buckets make a chart, and its points as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np

from schemas.units import HASHES_PER_DIFFICULTY
from schemas.windows import MINUTES, PERIODS, PeriodSpec, floor_to

LEVEL_OF_PERIOD: Final = {"PT15M": MINUTES, "PT1H": MINUTES, "P1D": "15m", "P1W": "1h"}
"""Relation suffix that a period's points are summed from."""

PACKED: Final = np.dtype([("at_s", ">f8"), ("accepted", ">f8"), ("rejected", ">f8")])
"""A bucket: its start in epoch seconds and its difficulty sums, as PostgreSQL sends float8."""

SPEC_OF_PERIOD: Final = {spec.period: spec for spec in PERIODS}


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
class Span:
    """The time a chart covers, `[from_s, to_s)`, in epoch seconds."""

    from_s: int
    to_s: int
    period: Period

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.from_s, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.to_s, UTC)

    @property
    def level(self) -> str:
        return LEVEL_OF_PERIOD[self.period.value]


def span_of(period: Period, complete_to_s: int) -> Span:
    """The span that ends with the last complete interval before `complete_to_s`."""
    spec = period.spec
    to_s = floor_to(complete_to_s, spec.interval_s)
    return Span(to_s - spec.span_s, to_s, period)


# Every answer of a beat says as of when it is.
@lru_cache(maxsize=256)
def rfc3339(time: datetime) -> str:
    """Whole seconds, UTC: `2022-09-13T10:00:00Z`."""
    # Not strftime, whose %Y leaves the zeros of a year before 1000 out.
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@lru_cache(maxsize=64)
def _template(span: Span) -> str:
    """The points of a chart with two `%.2f` each: the timestamps are the same for every chart."""
    interval_s = span.period.spec.interval_s
    points = (
        f'{{"timestamp":{at},"hashrate":"%.2f","rejectrate":"%.2f"}}'
        for at in range(span.from_s, span.to_s, interval_s)
    )
    return f"[{','.join(points)}]"


@lru_cache(maxsize=64)
def chart_head(span: Span) -> bytes:
    """`{"from":...,"to":...,"interval":...,"data":`"""
    return (
        f'{{"from":"{rfc3339(span.start)}","to":"{rfc3339(span.end)}",'
        f'"interval":"{span.period.spec.interval}","data":'
    ).encode()


def points(span: Span, packed: bytes | None) -> bytes:
    """A JSON array with a point for every interval of the span, zeros where nothing was.

    `packed` holds buckets inside the span as `PACKED`, in any order, several for one interval too;
    None means no bucket. The arithmetic is that of `schemas.units.format_hps`.
    """
    spec = span.period.spec
    values = np.zeros((spec.points, 2))
    if packed is not None:
        buckets = np.frombuffer(packed, PACKED)
        index = ((buckets["at_s"] - span.from_s) // spec.interval_s).astype(np.intp)
        values[:, 0] = np.bincount(index, buckets["accepted"], spec.points)
        values[:, 1] = np.bincount(index, buckets["rejected"], spec.points)
        values *= HASHES_PER_DIFFICULTY
        values /= spec.interval_s
    return (_template(span) % tuple(values.ravel().tolist())).encode()
