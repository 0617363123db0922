"""Points, stats and freshness headers as bytes, against the one function that writes hashrates."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.auth.rights import RIGHTS, Action
from query_api.http.rate_limits import network_of
from query_api.http.responses import matches, max_age_s
from query_api.telemetry import charts, windows
from query_api.telemetry.charts import Period
from query_api.telemetry.version import FiguresVersion
from schemas.units import format_hps

END_S = int(datetime(2022, 9, 13, 10, 15, tzinfo=UTC).timestamp())
work = st.integers(0, 2**52).map(float) | st.floats(0, 1e18)


def packed(buckets):
    """As PostgreSQL packs them: (start, accepted, rejected) of each."""
    return b"".join(struct.pack(">3d", *bucket) for bucket in buckets)


def test_the_worked_example_of_the_contract():
    sums = (290 * 65536.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    stats = json.loads(windows.stats_of(sums))
    assert stats["15m"] == {"hashrate": "90697492495655.82", "rejectrate": "0.00"}


@given(st.lists(work, min_size=8, max_size=8))
def test_stats_are_written_by_the_one_formula(sums):
    stats = json.loads(windows.stats_of(sums))
    spans = (900, 3_600, 86_400, 604_800)
    written = [value for window in stats.values() for value in window.values()]
    assert written == [format_hps(sums[i], spans[i // 2]) for i in range(8)]


@given(work, work, st.integers(0, 11))
def test_points_are_written_by_the_one_formula(accepted, rejected, index):
    span = charts.span_of(Period.PT1H, END_S + 17)
    at = span.from_s + index * 300
    points = json.loads(charts.points(span, packed([(at, accepted, rejected)])))
    assert [point["timestamp"] for point in points] == list(range(END_S - 3_600, END_S, 300))
    for number, point in enumerate(points):
        here = number == index
        assert point["hashrate"] == format_hps(accepted if here else 0.0, 300)
        assert point["rejectrate"] == format_hps(rejected if here else 0.0, 300)


def test_buckets_come_in_any_order_and_add_up_within_an_interval():
    span = charts.span_of(Period.PT1H, END_S)
    first, last = span.from_s, span.to_s - 300
    buckets = [(last + 240, 5.0, 1.0), (first, 3.0, 0.0), (last, 7.0, 0.0), (last, 9.0, 2.0)]
    points = json.loads(charts.points(span, packed(buckets)))
    got = {point["timestamp"]: (point["hashrate"], point["rejectrate"]) for point in points}
    assert got.pop(first) == (format_hps(3.0, 300), "0.00")
    assert got.pop(last) == (format_hps(21.0, 300), format_hps(3.0, 300))
    assert set(got.values()) == {("0.00", "0.00")}


@pytest.mark.parametrize("period", list(Period))
def test_a_chart_without_work_is_all_zeros(period):
    span = charts.span_of(period, END_S)
    points = json.loads(charts.points(span, None))
    assert len(points) == period.spec.points
    assert {point["hashrate"] for point in points} == {"0.00"}
    assert span.to_s % period.spec.interval_s == 0


def test_max_age_ends_when_the_next_figures_are_due():
    at = datetime.fromtimestamp(1_000, UTC)
    version = FiguresVersion(1, at, at, watermark_s=1_000)
    assert max_age_s(version, phase_s=5, now_s=1_050) == 15
    assert max_age_s(version, phase_s=5, now_s=2_000) == 1
    assert max_age_s(version, phase_s=5, now_s=500) == 60


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("*", True),
        ('W/"a"', True),
        ('"a"', True),
        ('"b", W/"a"', True),
        ('"b"', False),
    ],
)
def test_entity_tags_match_weakly(header, expected):
    assert matches(header, 'W/"a"') is expected


def test_every_action_has_a_grant():
    assert set(RIGHTS) == set(Action)


def test_a_site_is_one_address():
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9")
    assert network_of("203.0.113.7") != network_of("203.0.113.8")
    assert network_of("::ffff:203.0.113.7") == network_of("203.0.113.7")
