"""Rejects, stats and charts at any instant, against every minute by itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from query_api.telemetry.charts import Period, span_of
from query_api.telemetry.window_parts import WindowParts, parts_of
from schemas.windows import MINUTE_S, WINDOWS, floor_to
from tests.property.effort import examples

NOW_MIN = 29_700_000
# A quarter of all minutes back to before the longest window, with whole difficulties.
minutes = st.dictionaries(
    st.integers(0, 8 * 1_440), st.integers(1, 2**20).map(float), min_size=1, max_size=60
)
watermarks = st.integers(0, 14 * 1_440)


def rollup(work: dict[int, float], watermark: int, width_s: int) -> dict[int, float]:
    """Buckets as the leader has made them: of complete minutes alone."""
    sums: dict[int, float] = {}
    for minute, value in work.items():
        if minute < watermark:
            start = floor_to(minute * MINUTE_S, width_s)
            sums[start] = sums.get(start, 0.0) + value
    return sums


def between(rows: dict[int, float], span: tuple[int, int], parts: WindowParts) -> float:
    return sum(
        value * (parts.weight if at_s < parts.inner_s else 1)
        for at_s, value in rows.items()
        if span[0] <= at_s < span[1]
    )


def as_rejects_are_read(work: dict[int, float], watermark: int, parts: WindowParts) -> float:
    every_minute = {minute * MINUTE_S: value for minute, value in work.items()}
    return (
        between(every_minute, parts.minutes, replace(parts, weight=1.0))
        + between(rollup(work, watermark, 900), parts.quarters, parts)
        + between(rollup(work, watermark, 3_600), parts.hours, parts)
    )


def window(work: dict[int, float], watermark: int, span_min: int, width: int) -> float:
    """As the leader's rings have it: the oldest bucket by its whole minutes that are inside."""
    first, total = watermark - span_min, 0.0
    for minute, value in work.items():
        start = minute - minute % width
        if minute < watermark and start + width > first:
            total += value * (start + width - max(first, start)) / width
    return total


@examples(300)
@given(minutes, watermarks)
def test_rejects_cover_the_window_of_the_stats(back: dict[int, float], ahead: int) -> None:
    watermark = NOW_MIN + ahead
    work = {watermark - 1 - minutes_back: value for minutes_back, value in back.items()}
    for spec in WINDOWS:
        expected = window(work, watermark, spec.span_s // MINUTE_S, spec.bucket_s // MINUTE_S)
        found = as_rejects_are_read(work, watermark, parts_of(spec, watermark * MINUTE_S))
        assert abs(found - expected) <= 1e-9 * max(1.0, expected)


@given(watermarks)
def test_a_chart_and_its_running_interval_reach_to_the_last_minute(ahead: int) -> None:
    watermark_s = (NOW_MIN + ahead) * MINUTE_S
    for period in Period:
        span = span_of(period, watermark_s)
        # What `running` sums begins where the points end, and is shorter than one of them.
        assert 0 <= watermark_s - span.to_s < period.spec.interval_s
