"""The window grid against a plain list of shares: any order, gaps, late and repeated, jumps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.figures.windows import DAY_BUCKET_MIN, WEEK_BUCKET_MIN, WindowGrid
from schemas.windows import MINUTE_S, WINDOWS

SLOTS = 3
START = 29_000_000

Work = tuple[int, int, float, float]
"""(minute, slot, accepted, rejected)"""


class PlainWindows:
    """Every minute ever written, in a dict; windows by their definition in design.md."""

    def __init__(self, complete_to: int) -> None:
        self.complete_to = complete_to
        self.minutes: dict[tuple[int, int], tuple[float, float]] = {}

    def replace(self, minute: int, slot: int, accepted: float, rejected: float) -> None:
        self.minutes[minute, slot] = (accepted, rejected)

    def bucket_sum(self, slot: int, start: int, width: int) -> list[float]:
        inside = [
            sums
            for (minute, owner), sums in sorted(self.minutes.items())
            if owner == slot and start <= minute < min(start + width, self.complete_to)
        ]
        return [sum(accepted for accepted, _ in inside), sum(rejected for _, rejected in inside)]

    def window(self, slot: int, span_min: int, width: int) -> list[float]:
        first = self.complete_to - span_min
        total = [0.0, 0.0]
        for start in range(first - first % width, self.complete_to, width):
            whole_minutes_inside = start + width - max(first, start)
            for side, value in enumerate(self.bucket_sum(slot, start, width)):
                total[side] += value * (whole_minutes_inside / width)
        return total

    def totals(self) -> list[list[list[float]]]:
        return [
            [
                [
                    self.window(slot, spec.span_s // 60, spec.bucket_s // 60)[side]
                    for slot in range(SLOTS)
                ]
                for side in (0, 1)
            ]
            for spec in WINDOWS
        ]


class Pair:
    """The grid and its twin, driven alike; the twin is the grid's database for old buckets."""

    def __init__(self, complete_to: int = START) -> None:
        self.grid = WindowGrid(complete_to, capacity=1)
        self.grid.reserve(SLOTS)
        self.plain = PlainWindows(complete_to)

    def write(self, minute: int, slot: int, accepted: float, rejected: float) -> None:
        self.plain.replace(minute, slot, accepted, rejected)
        slots = np.array([slot])
        self.grid.replace(minute, slots, np.array([accepted]), np.array([rejected]))
        day, week = self.grid.beyond_rings(minute)
        for bucket, width, put in (
            (day, DAY_BUCKET_MIN, self.grid.put_day),
            (week, WEEK_BUCKET_MIN, self.grid.put_week),
        ):
            if bucket is not None:
                self._reread(bucket, width, slot, put)

    def _reread(self, bucket: int, width: int, slot: int, put: Callable[..., None]) -> None:
        sums = self.plain.bucket_sum(slot, bucket * width, width)
        put(bucket, np.array([slot]), np.array(sums).reshape(2, 1))

    def advance(self, minutes: int) -> None:
        self.plain.complete_to += minutes
        self.grid.advance(self.plain.complete_to)

    def check(self) -> None:
        np.testing.assert_allclose(self.grid.totals(SLOTS), self.plain.totals(), rtol=1e-12)


difficulty = st.one_of(st.integers(0, 2**40).map(float), st.floats(0, 1e12, allow_subnormal=False))
age = st.one_of(st.integers(0, 70), st.integers(0, 1_500), st.integers(0, 10_300))
write = st.tuples(st.just("write"), age, st.integers(0, SLOTS - 1), difficulty, difficulty)
step = st.one_of(
    st.integers(0, 3), st.integers(25, 70), st.integers(170, 190), st.integers(1_000, 11_000)
)
advance = st.tuples(st.just("advance"), step)
check = st.tuples(st.just("check"))


@settings(deadline=None, max_examples=150)
@given(
    start=st.integers(START, START + 200),
    moves=st.lists(st.one_of(write, write, advance, check), max_size=30),
)
def test_grid_agrees_with_a_plain_list(start: int, moves: list[tuple]) -> None:
    pair = Pair(start)
    for name, *values in moves:
        if name == "write":
            back, slot, accepted, rejected = values
            pair.write(pair.grid.complete_to - back, slot, accepted, rejected)
        elif name == "advance":
            pair.advance(*values)
        else:
            pair.check()
    pair.check()


@settings(deadline=None, max_examples=60)
@given(
    start=st.integers(START, START + 200),
    work=st.lists(st.tuples(age, st.integers(0, SLOTS - 1), difficulty, difficulty), max_size=25),
)
def test_a_grid_filled_from_sums_is_the_grid_that_lived_through_them(
    start: int, work: list[Work]
) -> None:
    lived = Pair(start - 10_300)
    for back, slot, accepted, rejected in sorted(work, key=lambda row: -row[0]):
        lived.advance(max(0, start - back - lived.grid.complete_to))
        lived.write(start - back, slot, accepted, rejected)
    lived.advance(start - lived.grid.complete_to)
    filled = WindowGrid(start, capacity=SLOTS)
    everyone = np.arange(SLOTS)
    for ring_first, width, put in (
        (filled.oldest_minute, 1, filled.fill_minute),
        ((filled.day_bucket - 48) * DAY_BUCKET_MIN, DAY_BUCKET_MIN, filled.fill_day),
        ((filled.week_bucket - 56) * WEEK_BUCKET_MIN, WEEK_BUCKET_MIN, filled.fill_week),
    ):
        for first in range(ring_first, start - width + 1, width):
            sums = [lived.plain.bucket_sum(slot, first, width) for slot in range(SLOTS)]
            put(first // width, everyone, np.array(sums).T)
    filled.fill_minute(start, everyone, np.zeros((2, SLOTS)))
    for (minute, slot), (accepted, rejected) in lived.plain.minutes.items():
        if minute == start:
            filled.fill_minute(start, np.array([slot]), np.array([[accepted], [rejected]]))
    filled.settle(SLOTS)
    np.testing.assert_allclose(filled.totals(SLOTS), lived.plain.totals(), rtol=1e-12)
    filled.advance(start + 1)
    lived.advance(1)
    np.testing.assert_allclose(filled.totals(SLOTS), lived.plain.totals(), rtol=1e-12)


def test_windows_are_the_contracts() -> None:
    assert [(spec.name, spec.span_s // MINUTE_S) for spec in WINDOWS] == [
        ("15m", 15),
        ("1h", 60),
        ("1d", 1_440),
        ("1w", 10_080),
    ]
