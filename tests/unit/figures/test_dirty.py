"""Dirty minutes become buckets to make anew, each once, and nothing more than was dirty."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.minutes.dirty import Dirty, Stale, ranges, stale_minutes

minutes = st.integers(0, 10_000).map(lambda minute: minute * 60)
touches = st.lists(
    st.builds(Dirty, minutes, st.none() | st.lists(st.integers(1, 5), max_size=3).map(tuple)),
    max_size=30,
)


@given(touches, st.sampled_from([900, 3_600, 86_400]))
def test_every_dirty_row_lies_in_what_is_made_anew(dirty: list[Dirty], width_s: int) -> None:
    stale = stale_minutes(dirty).widened(width_s)
    for minute in dirty:
        bucket_s = minute.minute_s // width_s * width_s
        if minute.worker_ids is None:
            assert bucket_s in stale.whole
        for worker_id in minute.worker_ids or ():
            assert bucket_s in stale.whole or (worker_id, bucket_s) in stale.rows
    assert stale.buckets() == {
        minute.minute_s // width_s * width_s
        for minute in dirty
        if minute.worker_ids is None or minute.worker_ids
    }
    assert not {bucket_s for _, bucket_s in stale.rows} & stale.whole


@given(st.sets(st.integers(0, 60)), st.integers(1, 8))
def test_ranges_cover_the_buckets_and_no_others(numbers: set[int], longest: int) -> None:
    starts = {number * 900 for number in numbers}
    found = list(ranges(starts, 900, longest=longest))
    covered = [start for begin, end in found for start in range(begin, end, 900)]
    assert covered == sorted(starts)
    assert all(end - begin <= longest * 900 for begin, end in found)


def test_adjacent_buckets_share_a_range_and_a_gap_ends_it() -> None:
    assert list(ranges([900, 0, 2_700], 900, longest=96)) == [(0, 1_800), (2_700, 3_600)]


def test_dropped_buckets_are_left_out() -> None:
    stale = Stale(frozenset({0, 900}), frozenset({(1, 1_800), (1, 2_700)}))
    assert stale.since(1_000) == Stale(frozenset(), frozenset({(1, 1_800), (1, 2_700)}))
    assert stale.since(2_000).buckets() == {2_700}


@given(touches, st.none() | minutes)
def test_every_bucket_is_closed_or_later(dirty: list[Dirty], closed_to_s: int | None) -> None:
    stale = stale_minutes(dirty)
    closed, later = stale.parted(closed_to_s)
    assert Stale(closed.whole | later.whole, closed.rows | later.rows) == stale
    border_s = 0 if closed_to_s is None else closed_to_s
    assert all(bucket_s < border_s for bucket_s in closed.buckets())
    assert all(bucket_s >= border_s for bucket_s in later.buckets())
