"""When the leader cycles: in phase with the minute or once rested, about half of the time."""

from __future__ import annotations

import pytest

from aggregator.figures.config import FiguresConfig
from aggregator.figures.schedule import PastCycle, Schedule

MINUTE = 29_838_960
"""A minute, and its number since the epoch."""
START = MINUTE * 60.0
CONFIG = FiguresConfig()


def after(*cycles: tuple[float, float, int]) -> Schedule:
    """The schedule after cycles: when each began, how long it took, and the minutes before which
    it took in, from START."""
    schedule = Schedule(CONFIG)
    for began, took, watermark in cycles:
        schedule.note(PastCycle(START + began, took), watermark=MINUTE + watermark)
    return schedule


@pytest.mark.parametrize(
    ("began", "took", "due"),
    [
        (5.0, 0.2, 20.0),
        (6.3, 0.2, 20.0),
        (19.9, 0.01, 20.0),
        (50.0, 0.2, 59.0),
        (59.0, 0.2, 65.0),
        (5.0, 7.4, 20.0),
        (5.0, 8.0, 35.0),
        (5.0, 31.0, 80.0),
        (5.0, 150.0, 305.0),
    ],
)
def test_cycles_are_in_phase_and_back_off(began: float, took: float, due: float) -> None:
    assert after((began, took, 0)).due_s() == START + due


@pytest.mark.parametrize(
    ("took", "due"), [(0.2, 20.0), (14.0, 20.0), (18.5, 23.9), (28.0, 33.4), (29.8, 35.2)]
)
def test_a_minute_of_many_workers_holds_up_no_short_cycle(took: float, due: float) -> None:
    """Short ones took 0.4 s: they follow at once, and keep figures young."""
    schedule = after((-55, 1, -1), (-10, 0.4, -1), (5, took, 0))
    assert schedule.due_s() == pytest.approx(START + due, abs=1e-6)


@pytest.mark.parametrize(("took", "due"), [(0.4, 59.0), (1.25, 59.0), (1.3, 65.0), (7.0, 65.0)])
def test_a_brief_cycle_takes_a_last_look_before_the_minute_is_over(took: float, due: float) -> None:
    """Brief is a twelfth of the fifteen seconds between two cycles."""
    assert after((5, 20, 0), (50, took, 0)).due_s() == START + due


def test_no_last_look_at_a_minute_that_is_not_taken_in_yet() -> None:
    assert after((5, 20, -1), (50, 0.4, -1)).due_s() == START + 65


@pytest.mark.parametrize(
    ("took", "due"), [(28.0, 65.0), (30.0, 65.0), (31.0, 67.0), (40.0, 85.0), (70.0, 155.0)]
)
def test_the_next_minute_waits_for_twice_the_last(took: float, due: float) -> None:
    """Whatever short cycle came between, also one whose stream time still lacked the minute."""
    short = [(50, 0.4, 0), (59, 0.4, 0)] if took < 45 else []
    assert after((5, took, 0), *short).due_s() == START + due


def test_stream_that_lags_is_expected_to_bring_its_minute() -> None:
    """At 0:20 the stream had not come to the minute yet: what comes next may be the long one."""
    assert after((5, 20, -1), (35, 0.4, -1)).due_s() == START + 50
    assert after((-55, 40, -1), (5, 0.4, -1)).due_s() == START + 25


def test_clock_that_is_set_does_not_stop_the_cycles() -> None:
    """By an hour, while the cycle was under way."""
    schedule, began = after((5, 1.0, 0)), START + 5
    assert schedule.wait_s(began + 1) == 14
    assert schedule.wait_s(began - 3_600) == 15
    assert schedule.wait_s(began + 3_600) == 0


@pytest.mark.parametrize("minute_s", [0.0, 0.5, 7.6, 14.0, 20.0, 29.0, 61.0, 299.0])
@pytest.mark.parametrize("other_s", [0.01, 0.5, 1.25, 1.3, 3.0, 7.6, 14.0, 20.0])
def test_the_database_works_about_half_of_the_time(minute_s: float, other_s: float) -> None:
    """For cycles of a minute and for others alike; ten hours of them, stream time at the clock."""
    schedule = Schedule(CONFIG)
    began, watermark, worked = START, 0, 0.0
    while began < START + 36_000:
        took = minute_s if began // 60 > watermark else other_s
        watermark = int(began // 60)
        schedule.note(PastCycle(began, took), watermark=watermark)
        worked += took
        due = schedule.due_s()
        assert began + took <= due
        if due // 60 > watermark:
            assert due % 60 >= CONFIG.cycle_phase_s, "flushes of the minute before are in"
        began = due
    assert worked / (began - START) <= 0.55
