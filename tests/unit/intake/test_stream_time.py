"""Stream time of a partition: never back, never beyond the clock, still while nothing is known."""

from __future__ import annotations

import pytest

from aggregator.intake.partitions.stream_time import advance
from ingest.kafka.progress import Progress

NOW_MS = 1_790_000_000_000


def wall(
    stream_ms: int | None, *, record_ms: int | None = None, at_end: bool = False
) -> int | None:
    return advance(stream_ms, record_ms=record_ms, at_end=at_end, now_ms=NOW_MS, clock="wall")


def test_at_the_end_of_the_log_it_is_the_wall_clock() -> None:
    assert wall(NOW_MS - 60_000, record_ms=NOW_MS - 30_000, at_end=True) == NOW_MS


def test_behind_the_end_it_is_the_last_record_taken() -> None:
    assert wall(NOW_MS - 60_000, record_ms=NOW_MS - 30_000) == NOW_MS - 30_000


def test_it_stands_still_while_the_broker_is_away() -> None:
    assert wall(NOW_MS - 60_000) == NOW_MS - 60_000


def test_it_never_goes_back() -> None:
    assert wall(NOW_MS - 60_000, record_ms=NOW_MS - 90_000) == NOW_MS - 60_000
    assert wall(NOW_MS + 5_000, at_end=True) == NOW_MS + 5_000


def test_a_record_from_the_future_does_not_take_it_beyond_the_wall_clock() -> None:
    assert wall(None, record_ms=NOW_MS + 86_400_000) == NOW_MS


def test_nothing_is_known_before_the_first_fetch() -> None:
    assert wall(None) is None


@pytest.mark.parametrize("at_end", [False, True])
def test_a_replay_goes_by_its_records_alone(at_end: bool) -> None:
    def replay(stream_ms: int | None, record_ms: int | None) -> int | None:
        return advance(
            stream_ms, record_ms=record_ms, at_end=at_end, now_ms=NOW_MS, clock="records"
        )

    assert replay(None, None) is None
    assert replay(None, 5_000) == 5_000
    assert replay(7_000, 5_000) == 7_000
    assert replay(7_000, None) == 7_000


@pytest.mark.parametrize(
    ("position", "end", "age_ms", "expected"),
    [(10, 10, 4_999, True), (10, 10, 5_000, False), (9, 10, 0, False), (11, 10, 0, True)],
)
def test_only_a_fresh_fetch_proves_the_end(
    position: int, end: int, age_ms: int, expected: bool
) -> None:
    progress = Progress(position, end, NOW_MS - age_ms)
    assert progress.at_end(NOW_MS, fresh_s=5.0) is expected


def test_end_is_unknown_before_the_first_fetch() -> None:
    progress = Progress(0, None, None)
    assert not progress.at_end(NOW_MS, fresh_s=5.0)
    assert progress.lag == 0
