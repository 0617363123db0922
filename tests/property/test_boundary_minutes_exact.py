"""Boundary minutes are an exact, pure function of the schedule: cut anywhere, they are the same."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.boundary.schedule import MINUTE_US, Schedule, nominal_difficulty

START = 29_540_160
SPAN = 200

timestamp = st.integers(START * MINUTE_US, (START + SPAN) * MINUTE_US)
rate = st.one_of(
    st.integers(2**32, 10**21).map(Decimal), st.decimals("4294967296", "1e21", places=3)
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    created_us = draw(timestamp)
    changes = sorted(draw(st.sets(timestamp.filter(lambda at: at > created_us), max_size=3)))
    rates = tuple((at, draw(rate)) for at in (created_us, *changes))
    disconnected_us = draw(st.none() | timestamp.filter(lambda at: at >= created_us))
    return Schedule(1, 3, None, created_us, disconnected_us, rates)


def plain_minute(schedule: Schedule, minute: int) -> float:
    """Second by second thinking: every instant has one rate or none."""
    hashes = Fraction(0)
    begin, end = minute * MINUTE_US, (minute + 1) * MINUTE_US
    marks = {begin, end, schedule.created_us, *(at for at, _ in schedule.rates)}
    if schedule.disconnected_us is not None:
        marks.add(schedule.disconnected_us)
    inside = sorted(mark for mark in marks if begin <= mark <= end)
    for left, right in pairwise(inside):
        connected = schedule.created_us <= left and (
            schedule.disconnected_us is None or left < schedule.disconnected_us
        )
        current = [hashrate for at, hashrate in schedule.rates if at <= left]
        if connected and current:
            hashes += Fraction(current[-1]) * (right - left) / 1_000_000
    return float(hashes / 2**32)


@given(schedule=schedules())
def test_minutes_agree_with_a_plain_integral(schedule: Schedule) -> None:
    found = nominal_difficulty(schedule, START - 2, START + SPAN + 2).tolist()
    assert found == [plain_minute(schedule, START - 2 + i) for i in range(SPAN + 4)]


@given(schedule=schedules(), cuts=st.lists(st.integers(START, START + SPAN), max_size=5))
def test_minutes_do_not_depend_on_where_they_are_cut(schedule: Schedule, cuts: list[int]) -> None:
    marks = [START, *sorted(cuts), START + SPAN]
    parts: list[float] = []
    for first, end in pairwise(marks):
        parts += nominal_difficulty(schedule, first, end).tolist()
    assert parts == nominal_difficulty(schedule, START, START + SPAN).tolist()


def test_a_petahash_for_a_minute() -> None:
    schedule = Schedule(1, 3, None, 0, None, ((0, Decimal(10**15)),))
    assert nominal_difficulty(schedule, 5, 6).tolist() == [60 * 10**15 / 2**32]


def test_half_a_minute_counts_half() -> None:
    created_us = 5 * MINUTE_US + MINUTE_US // 2
    schedule = Schedule(1, 3, None, created_us, None, ((created_us, Decimal(2**32)),))
    assert nominal_difficulty(schedule, 4, 7).tolist() == [0.0, 30.0, 60.0]
