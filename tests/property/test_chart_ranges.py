"""Any range of a chart against a naive twin: whole intervals, fewer than 500, as kept."""

from __future__ import annotations

import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from query_api.telemetry import charts
from query_api.telemetry.charts import INTERVALS, KEPT_S, POINTS_MAX, Period, TimeRange
from schemas.share import REJECT_REASONS
from schemas.units import format_hps

WATERMARK_S = 1_790_000_040
DAY_S = 86_400
ages = st.integers(0, 400 * DAY_S)
lengths = st.integers(3_600, 400 * DAY_S)


def plain_span(from_s: int, to_s: int | None) -> tuple[int, int, str]:
    """The finest spacing that fits, found by writing every point down."""
    for spec in INTERVALS:
        kept = WATERMARK_S - KEPT_S.get(spec.level, WATERMARK_S)
        starts = []
        at_s = from_s - from_s % spec.width_s
        begin_s = at_s
        while at_s + spec.width_s <= WATERMARK_S and (to_s is None or at_s < to_s):
            starts.append(at_s)
            at_s += spec.width_s
            if len(starts) >= POINTS_MAX:
                break
        if len(starts) < POINTS_MAX and begin_s >= kept:
            return begin_s, begin_s + len(starts) * spec.width_s, spec.name
    raise AssertionError("a day always fits")


@given(ages, st.none() | lengths)
def test_a_range_is_whole_intervals_as_fine_as_they_are_kept(
    age_s: int, length_s: int | None
) -> None:
    from_s = WATERMARK_S - age_s
    to_s = None if length_s is None else from_s + length_s
    span = charts.span_of(TimeRange(from_s, to_s), WATERMARK_S)
    assert (span.from_s, span.to_s, span.interval.name) == plain_span(from_s, to_s)


@given(ages, lengths)
def test_every_point_of_a_range_is_inside(age_s: int, length_s: int) -> None:
    from_s = WATERMARK_S - age_s
    span = charts.span_of(TimeRange(from_s, from_s + length_s), WATERMARK_S)
    points = json.loads(charts.points(span, None))
    assert [point["timestamp"] for point in points] == list(
        range(span.from_s, span.to_s, span.interval.width_s)
    )


@given(st.lists(st.integers(0, 2**40).map(float), min_size=7, max_size=7), st.integers(0, 11))
def test_reasons_are_written_by_the_one_formula(sums: list[float], index: int) -> None:
    span = charts.span_of(Period.PT1H, WATERMARK_S)
    packed = struct.pack(">8d", span.from_s + 300 * index + 60, *sums)
    points = json.loads(charts.reason_points(span, packed))
    expected = {
        name: format_hps(each, 300) for name, each in zip(REJECT_REASONS, sums, strict=True)
    }
    assert points[index] == {"timestamp": span.from_s + 300 * index} | expected


def test_the_interval_that_is_not_over_belongs_to_what_reaches_it() -> None:
    span = charts.span_of(Period.P1D, WATERMARK_S)
    assert charts.reaches_running(Period.P1D, span)
    assert charts.reaches_running(TimeRange(span.from_s, WATERMARK_S), span)
    assert not charts.reaches_running(TimeRange(span.from_s, span.to_s), span)
    year = TimeRange(WATERMARK_S - 390 * DAY_S, None)
    assert charts.reaches_running(year, charts.span_of(year, WATERMARK_S))
