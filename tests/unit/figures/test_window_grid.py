"""The edges of the windows: one window old, weights, growth, memory, a season without drift."""

from __future__ import annotations

import numpy as np
import pytest

from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.worker_arrays import WorkerTable

T0 = 29_000_160  # a multiple of 180: all buckets begin here
ONE = np.array([0])


def write(grid: WindowGrid, minute: int, accepted: float, rejected: float = 0.0) -> None:
    grid.replace(minute, ONE, np.array([accepted]), np.array([rejected]))


def accepted(grid: WindowGrid) -> list[float]:
    return grid.totals(1)[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("window", "span_min"),
    [(0, 15), (1, 60), (2, 1_440), (3, 10_080)],
    ids=["15m", "1h", "1d", "1w"],
)
def test_share_one_window_old_is_outside(window: int, span_min: int) -> None:
    grid = WindowGrid(T0)
    write(grid, T0, 7.0)
    grid.advance(T0 + span_min)
    assert accepted(grid)[window] == 7.0
    grid.advance(T0 + span_min + 180)
    assert accepted(grid)[window] == 0.0


def test_one_minute_later_a_minute_leaves_the_fine_windows() -> None:
    grid = WindowGrid(T0)
    write(grid, T0, 7.0)
    grid.advance(T0 + 15)
    assert accepted(grid)[0] == 7.0
    grid.advance(T0 + 16)
    assert accepted(grid)[:2] == [0.0, 7.0]
    grid.advance(T0 + 61)
    assert accepted(grid)[:2] == [0.0, 0.0]


def test_oldest_coarse_bucket_counts_by_its_minutes_inside() -> None:
    grid = WindowGrid(T0)
    write(grid, T0, 30.0)
    grid.advance(T0 + 1_440 + 10)
    assert accepted(grid)[2] == 20.0
    grid.advance(T0 + 10_080 + 60)
    assert accepted(grid)[3] == 20.0


def test_minute_in_progress_counts_when_it_is_complete() -> None:
    grid = WindowGrid(T0)
    write(grid, T0, 5.0, 2.0)
    assert not grid.totals(1).any()
    grid.advance(T0 + 1)
    assert grid.totals(1)[:, :, 0].tolist() == [[5.0, 2.0]] * 4


def test_minute_beyond_the_one_in_progress_is_refused() -> None:
    with pytest.raises(ValueError, match="after the one in progress"):
        WindowGrid(T0).replace(T0 + 1, ONE, np.array([1.0]), np.array([0.0]))


def test_reading_a_minute_twice_changes_nothing() -> None:
    grid = WindowGrid(T0)
    for _ in range(3):
        write(grid, T0, 5.0)
    grid.advance(T0 + 40)
    for _ in range(3):
        write(grid, T0, 5.0)
    assert accepted(grid) == [0.0, 5.0, 5.0, 5.0]


def test_late_minute_names_the_buckets_to_read_again() -> None:
    grid = WindowGrid(T0 + 50)
    assert grid.beyond_rings(T0) == (None, None)
    assert grid.beyond_rings(T0 - 1) == ((T0 - 1) // 30, None)
    # The day ring begins at T0 - 1,410, within three hours: they can't be summed from it.
    assert grid.beyond_rings(T0 - 1_400) == ((T0 - 1_400) // 30, (T0 - 1_400) // 180)
    assert grid.beyond_rings(T0 - 5_000) == (None, (T0 - 5_000) // 180)
    assert grid.beyond_rings(T0 - 20_000) == (None, None)


def test_jump_longer_than_every_window_forgets_all() -> None:
    grid = WindowGrid(T0)
    write(grid, T0, 5.0)
    grid.advance(T0 + 60 * 24 * 365)
    assert not grid.totals(1).any()
    write(grid, grid.watermark, 3.0)
    grid.advance(grid.watermark + 1)
    assert accepted(grid) == [3.0] * 4


def test_growth_keeps_the_sums() -> None:
    grid = WindowGrid(T0, capacity=1)
    write(grid, T0, 5.0)
    grid.advance(T0 + 1)
    assert accepted(grid) == [5.0] * 4
    grid.reserve(2)
    grid.replace(T0 + 1, np.array([1]), np.array([3.0]), np.array([1.0]))
    grid.advance(T0 + 2)
    assert grid.totals(2)[3].tolist() == [[5.0, 3.0], [0.0, 1.0]]


@pytest.mark.slow
def test_a_season_of_minutes_leaves_whole_sums_exact() -> None:
    """Difficulties near 2^40: a sum kept by adding and subtracting fractions would drift."""
    generator = np.random.default_rng(7)
    work = generator.integers(0, 2**40, size=(11_000, 2)).astype(np.float64)
    grid = WindowGrid(T0, capacity=2)
    both = np.arange(2)
    season = 60 * 24 * 90
    for minute in range(T0, T0 + season):
        if minute % 7:
            row = work[minute % 11_000]
            grid.replace(minute, both, row, row[::-1])
        grid.advance(minute + 1)
    ends = T0 + season
    minutes = np.arange(ends - 10_080, ends)
    rows = work[minutes % 11_000] * (minutes % 7 != 0)[:, None]
    assert ends % 180 == 0
    for window, span in enumerate((15, 60, 1_440, 10_080)):
        expected = rows[-span:].sum(axis=0)
        assert grid.totals(2)[window].tolist() == [expected.tolist(), expected[::-1].tolist()]


def test_all_arrays_of_a_worker_fit_three_kilobytes() -> None:
    snapshots = 2 * 4 * 2 * 8  # the figures as published and as computed
    slot_of_id = 4
    per_worker = WindowGrid(T0).bytes_per_worker + WorkerTable().bytes_per_worker
    assert per_worker + snapshots + slot_of_id <= 3_072
