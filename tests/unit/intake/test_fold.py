"""The fold on examples that a person can check."""

from __future__ import annotations

import numpy as np

from aggregator.intake.fold import MinuteRows, fold
from schemas.share import ShareResult

NOON_S = 1_790_337_600


def folded(*shares: tuple[int, int, float, ShareResult, int]) -> MinuteRows:
    """Of (second, slot, difficulty, result, source)."""
    second, slot, difficulty, result, source = zip(*shares, strict=True)
    return fold(
        np.array(second, np.int64),
        np.array(slot, np.int32),
        difficulty=np.array(difficulty, np.float64),
        result=np.array(result, np.uint8),
        source=np.array(source, np.int32),
    )


def test_minute_holds_its_first_second_and_not_the_next_minutes() -> None:
    ok = ShareResult.ACCEPTED
    rows = folded(
        (NOON_S, 0, 1.0, ok, 1), (NOON_S + 59, 0, 2.0, ok, 1), (NOON_S + 60, 0, 4.0, ok, 1)
    )
    assert rows.minute_s.tolist() == [NOON_S, NOON_S + 60]
    assert rows.accepted.tolist() == [3.0, 4.0]


def test_rejected_share_is_no_sign_of_life() -> None:
    rows = folded(
        (NOON_S + 1, 0, 8.0, ShareResult.ACCEPTED, 3), (NOON_S + 9, 0, 16.0, ShareResult.STALE, 4)
    )
    assert (rows.last_share_s[0], rows.source[0]) == (NOON_S + 1, 3)
    assert (rows.accepted[0], rows.rejected[0]) == (8.0, 16.0)
    assert rows.reasons[ShareResult.STALE - 1].tolist() == [16.0]


def test_worker_with_rejects_only_has_no_last_share() -> None:
    rows = folded((NOON_S, 5, 2.0, ShareResult.DUPLICATE, 4))
    assert (rows.worker_index[0], rows.last_share_s[0], rows.source[0]) == (5, -1, -1)
    assert (rows.accepted_count[0], rows.rejected_count[0]) == (0, 1)


def test_last_source_is_that_of_the_latest_time_not_of_the_latest_arrival() -> None:
    ok = ShareResult.ACCEPTED
    rows = folded((NOON_S + 30, 0, 1.0, ok, 7), (NOON_S + 10, 0, 1.0, ok, 8))
    assert rows.source.tolist() == [7]


def test_minutes_before_1970_are_whole_minutes_too() -> None:
    rows = folded((-1, 0, 1.0, ShareResult.ACCEPTED, -1))
    assert rows.minute_s.tolist() == [-60]


def test_no_share_gives_no_row() -> None:
    empty = np.empty(0, np.int64)
    rows = fold(
        empty,
        empty,
        difficulty=np.empty(0),
        result=np.empty(0, np.uint8),
        source=np.empty(0, np.int32),
    )
    assert len(rows) == 0
    assert rows.reasons.shape == (7, 0)
