"""The window grid against a plain list of shares: any order, gaps, late and repeated, jumps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.windows.buckets import DAY_BUCKET_MIN, WEEK_BUCKET_MIN
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.windows.ring import BucketRing
from schemas.windows import MINUTE_S, WINDOWS
from tests.property.effort import examples

WORKERS = 3
START = 29_000_000

Work = tuple[int, int, float, float]
"""(minute, index, accepted, rejected)"""


class PlainWindows:
    """Every minute ever written, in a dict; windows by their definition in design.md."""

    def __init__(self, watermark: int) -> None:
        self.watermark = watermark
        self.minutes: dict[tuple[int, int], tuple[float, float]] = {}

    def replace(self, minute: int, index: int, accepted: float, rejected: float) -> None:
        self.minutes[minute, index] = (accepted, rejected)

    def bucket_sum(self, index: int, start: int, width: int) -> list[float]:
        inside = [
            sums
            for (minute, owner), sums in sorted(self.minutes.items())
            if owner == index and start <= minute < min(start + width, self.watermark)
        ]
        return [sum(accepted for accepted, _ in inside), sum(rejected for _, rejected in inside)]

    def window(self, index: int, span_min: int, width: int) -> list[float]:
        first = self.watermark - span_min
        total = [0.0, 0.0]
        for start in range(first - first % width, self.watermark, width):
            whole_minutes_inside = start + width - max(first, start)
            for side, value in enumerate(self.bucket_sum(index, start, width)):
                total[side] += value * (whole_minutes_inside / width)
        return total

    def totals(self) -> list[list[list[float]]]:
        return [
            [
                [
                    self.window(index, spec.span_s // 60, spec.bucket_s // 60)[side]
                    for index in range(WORKERS)
                ]
                for side in (0, 1)
            ]
            for spec in WINDOWS
        ]


class Pair:
    """The grid and its twin, driven alike; the twin is the grid's database for old buckets."""

    def __init__(self, watermark: int = START) -> None:
        self.grid = WindowGrid(watermark, capacity=1, block_workers=2)
        self.grid.reserve(WORKERS)
        self.plain = PlainWindows(watermark)

    def write(self, minute: int, index: int, accepted: float, rejected: float) -> None:
        self.plain.replace(minute, index, accepted, rejected)
        indices = np.array([index])
        self.grid.replace(minute, indices, np.array([accepted]), np.array([rejected]))
        day, week = self.grid.beyond_rings(minute)
        for bucket, width, put in (
            (day, DAY_BUCKET_MIN, self.grid.put_day),
            (week, WEEK_BUCKET_MIN, self.grid.put_week),
        ):
            if bucket is not None:
                self._reread(bucket, width, index, put)

    def _reread(self, bucket: int, width: int, index: int, put: Callable[..., None]) -> None:
        sums = self.plain.bucket_sum(index, bucket * width, width)
        put(bucket, np.array([index]), np.array(sums).reshape(2, 1))

    def advance(self, minutes: int) -> None:
        self.plain.watermark += minutes
        self.grid.advance(self.plain.watermark)

    def check(self) -> None:
        np.testing.assert_allclose(self.grid.totals(WORKERS), self.plain.totals(), rtol=1e-12)


difficulty = st.one_of(st.integers(0, 2**40).map(float), st.floats(0, 1e12, allow_subnormal=False))
age = st.one_of(st.integers(0, 70), st.integers(0, 1_500), st.integers(0, 10_300))
write = st.tuples(st.just("write"), age, st.integers(0, WORKERS - 1), difficulty, difficulty)
step = st.one_of(
    st.integers(0, 3), st.integers(25, 70), st.integers(170, 190), st.integers(1_000, 11_000)
)
advance = st.tuples(st.just("advance"), step)
check = st.tuples(st.just("check"))


@examples(150)
@given(
    start=st.integers(START, START + 200),
    moves=st.lists(st.one_of(write, write, advance, check), max_size=30),
)
def test_grid_agrees_with_a_plain_list(start: int, moves: list[tuple]) -> None:
    pair = Pair(start)
    for name, *values in moves:
        if name == "write":
            back, index, accepted, rejected = values
            pair.write(pair.grid.watermark - back, index, accepted, rejected)
        elif name == "advance":
            pair.advance(*values)
        else:
            pair.check()
    pair.check()


@examples(60)
@given(
    start=st.integers(START, START + 200),
    work=st.lists(st.tuples(age, st.integers(0, WORKERS - 1), difficulty, difficulty), max_size=25),
)
def test_a_grid_filled_from_sums_is_the_grid_that_lived_through_them(
    start: int, work: list[Work]
) -> None:
    lived = Pair(start - 10_300)
    for back, index, accepted, rejected in sorted(work, key=lambda row: -row[0]):
        lived.advance(max(0, start - back - lived.grid.watermark))
        lived.write(start - back, index, accepted, rejected)
    lived.advance(start - lived.grid.watermark)
    filled = WindowGrid(start, capacity=WORKERS, block_workers=2)
    everyone = np.arange(WORKERS)
    for ring_first, width, put in (
        (filled.oldest_minute, 1, filled.fill_minute),
        ((filled.day_bucket - 48) * DAY_BUCKET_MIN, DAY_BUCKET_MIN, filled.fill_day),
        ((filled.week_bucket - 56) * WEEK_BUCKET_MIN, WEEK_BUCKET_MIN, filled.fill_week),
    ):
        for first in range(ring_first, start - width + 1, width):
            sums = [lived.plain.bucket_sum(index, first, width) for index in range(WORKERS)]
            put(first // width, everyone, np.array(sums).T)
    filled.fill_minute(start, everyone, np.zeros((2, WORKERS)))
    for (minute, index), (accepted, rejected) in lived.plain.minutes.items():
        if minute == start:
            filled.fill_minute(start, np.array([index]), np.array([[accepted], [rejected]]))
    filled.finalize(WORKERS)
    np.testing.assert_allclose(filled.totals(WORKERS), lived.plain.totals(), rtol=1e-12)
    filled.advance(start + 1)
    lived.advance(1)
    np.testing.assert_allclose(filled.totals(WORKERS), lived.plain.totals(), rtol=1e-12)


def test_windows_are_the_contracts() -> None:
    assert [(spec.name, spec.span_s // MINUTE_S) for spec in WINDOWS] == [
        ("15m", 15),
        ("1h", 60),
        ("1d", 1_440),
        ("1w", 10_080),
    ]


ring_value = st.one_of(
    st.integers(0, 2**33).map(float),
    st.sampled_from([0.0, 0.5, 2.0**32 - 1, 2.0**32, 2.0**53, 1e300]),
    st.floats(0, 1e12),
)
RING_COLUMNS = (slice(0, 3), slice(1, 4), np.array([3, 1]), np.array([0]))
ring_move = st.tuples(
    st.sampled_from(["put", "add", "clear", "grow"]),
    st.integers(0, 9),
    st.integers(0, len(RING_COLUMNS) - 1),
    st.lists(ring_value, min_size=6, max_size=6),
)


@examples(200)
@given(moves=st.lists(ring_move, max_size=20))
def test_a_ring_keeps_every_number_to_the_last_bit(moves: list[tuple]) -> None:
    """Halved while a bucket is whole, with float64 as the way out: against plain float64 rows."""
    ring, plain, capacity = BucketRing(5, 4), np.zeros((5, 2, 4)), 4
    for act, bucket, which, values in moves:
        row, columns = plain[bucket % 5], RING_COLUMNS[which]
        count = len(np.arange(4)[columns])
        sums = np.array(values[: 2 * count]).reshape(2, count)
        if act == "put":
            ring.put(bucket, columns, sums)
            row[:, columns] = sums
        elif act == "add":
            ring.add(bucket, columns, sums)
            row[:, columns] += sums
        elif act == "clear":
            ring.clear(bucket)
            row[:] = 0
        else:
            capacity += bucket
            ring.grow(capacity)
        expected = np.zeros((2, count))
        for number in range(5):
            expected += plain[number][:, columns]
            assert ring.get(number, columns).tolist() == plain[number][:, columns].tolist()
        assert ring.total(range(5), columns).tolist() == expected.tolist()


def test_whole_difficulties_take_half_the_memory() -> None:
    ring = BucketRing(2, 1_000)
    everyone = slice(None)
    ring.put(0, everyone, np.full((2, 1_000), 2.0**32 - 1))
    assert ring.nbytes == 2 * 2 * 1_000 * 4
    ring.put(0, np.array([7]), np.full((2, 1), 0.5))
    assert ring.nbytes == 2 * 1_000 * (4 + 8)
    ring.clear(0)
    assert ring.nbytes == 2 * 2 * 1_000 * 4
