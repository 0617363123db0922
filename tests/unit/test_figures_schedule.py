"""When the leader beats: in phase with the minute, and at most half of the time."""

from __future__ import annotations

import pytest

from aggregator.figures.config import FiguresConfig
from aggregator.figures.schedule import next_beat_s, until_next_beat_s

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
        (5.0, 8.0, 65.0),
        (5.0, 31.0, 125.0),
        (5.0, 150.0, 305.0),
    ],
)
def test_beats_are_in_phase_and_back_off(began: float, took: float, due: float) -> None:
    assert next_beat_s(MINUTE + began, took, CONFIG) == MINUTE + due


def test_clock_that_is_set_does_not_stop_the_beats() -> None:
    """By an hour, while the beat was under way."""
    began = MINUTE + 5
    assert until_next_beat_s(began, 1.0, began + 1, CONFIG) == 14
    assert until_next_beat_s(began, 1.0, began - 3_600, CONFIG) == 15
    assert until_next_beat_s(began, 1.0, began + 3_600, CONFIG) == 0


@pytest.mark.parametrize("took", [0.0, 0.5, 7.6, 14.0, 29.0, 61.0, 299.0])
def test_the_database_works_less_than_half_of_the_time(took: float) -> None:
    for began in range(0, 60, 7):
        due = next_beat_s(MINUTE + began, took, CONFIG)
        assert due >= MINUTE + began + 2 * took
        assert (due - CONFIG.beat_phase_s) % CONFIG.beat_s == 0
