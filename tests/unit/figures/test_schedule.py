"""When the leader cycles: in phase with the minute, and at most half of the time."""

from __future__ import annotations

import pytest

from aggregator.figures.config import FiguresConfig
from aggregator.figures.schedule import next_cycle_s, until_next_cycle_s

MINUTE = 1_790_337_600.0
CONFIG = FiguresConfig()


@pytest.mark.parametrize(
    ("began", "took", "due"),
    [
        (5.0, 0.2, 20.0),
        (6.3, 0.2, 20.0),
        (19.9, 0.01, 20.0),
        (50.0, 0.2, 65.0),
        (5.0, 7.4, 20.0),
        (5.0, 8.0, 35.0),
        (5.0, 31.0, 80.0),
        (5.0, 150.0, 305.0),
    ],
)
def test_cycles_are_in_phase_and_back_off(began: float, took: float, due: float) -> None:
    assert next_cycle_s(MINUTE + began, took, CONFIG) == MINUTE + due


def test_clock_that_is_set_does_not_stop_the_cycles() -> None:
    """By an hour, while the cycle was under way."""
    began = MINUTE + 5
    assert until_next_cycle_s(began, 1.0, began + 1, CONFIG) == 14
    assert until_next_cycle_s(began, 1.0, began - 3_600, CONFIG) == 15
    assert until_next_cycle_s(began, 1.0, began + 3_600, CONFIG) == 0


@pytest.mark.parametrize("took", [0.0, 0.5, 7.6, 14.0, 29.0, 61.0, 299.0])
def test_the_database_works_less_than_half_of_the_time(took: float) -> None:
    for began in range(0, 60, 7):
        due = next_cycle_s(MINUTE + began, took, CONFIG)
        rested = MINUTE + began + 2 * took
        assert rested <= due <= rested + CONFIG.cycle_s + 0.001
        assert (due - CONFIG.cycle_phase_s) % CONFIG.cycle_s == 0
