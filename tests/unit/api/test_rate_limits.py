"""Limits of rate over a sliding minute, and of places at a time, against a plain list."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.auth.caller import INTERNAL, Caller, CallerKind
from query_api.config import RateLimitConfig
from query_api.http.errors import TooManyRequestsError
from query_api.http.rate_limits import RateLimits, SlidingMinute, Slots

USER = Caller(CallerKind.USER, "user:1")


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 8))
def test_never_more_in_a_minute_of_the_clock_than_the_limit(waits, limit):
    counts, now_s, let_in = SlidingMinute(limit), 1_000.0, []
    for wait_s in waits:
        now_s += wait_s
        with contextlib.suppress(TooManyRequestsError):
            assert 0 <= counts.hit("a", now_s).remaining < limit
            let_in.append(now_s)
    by_minute = [sum(each // 60 == minute for each in let_in) for minute in range(16, 60)]
    assert max(by_minute) <= limit


def test_a_burst_at_the_end_of_a_minute_counts_in_the_next():
    counts = SlidingMinute(10)
    for _ in range(10):
        counts.hit("a", 119.0)
    with pytest.raises(TooManyRequestsError):
        counts.hit("a", 121.0)
    assert counts.hit("b", 121.0).remaining == 9
    assert counts.hit("a", 150.0).remaining == 4
    assert counts.hit("a", 500.0).remaining == 9


def limits(**config):
    return RateLimits(RateLimitConfig(**config), clock_s=lambda: 600.0)


def test_the_pools_services_have_their_own_limit():
    counted = limits(per_caller=1, per_internal_caller=3, per_address=1)
    for _ in range(3):
        counted.count_caller(INTERNAL)
    with pytest.raises(TooManyRequestsError):
        counted.count_caller(INTERNAL)
    counted.count_caller(USER)
    with pytest.raises(TooManyRequestsError):
        counted.count_caller(USER)


def test_wrong_keys_shut_out_wrong_keys_alone():
    counted = limits(failures_per_address=2)
    counted.count_failure("203.0.113.7")
    counted.count_failure("203.0.113.7")
    with pytest.raises(TooManyRequestsError):
        counted.count_failure("203.0.113.7")
    counted.count_address("203.0.113.7")
    counted.count_failure("203.0.113.8")


def test_without_a_limit_nothing_is_counted():
    counted = limits(per_address=0)
    assert [counted.count_address("203.0.113.7") for _ in range(9)] == [None] * 9


def test_places_are_counted_for_each_name_and_in_all():
    slots = Slots(in_all=3, of_one=2)
    assert slots.take("a", "x")
    assert slots.take("a", "y")
    assert not slots.take("a", "z")
    assert slots.take()
    assert not slots.take()
    slots.give_back("a", "x")
    assert slots.take("a", "z")
