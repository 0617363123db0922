"""The split of a difference between two days, against a plain recomputation of each step."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from query_api.money.comparison import DayFactors, Part, split

SHARES = st.fractions(min_value=0, max_value=1, max_denominator=10_000)
WORK = st.integers(0, 10**26)


@st.composite
def days(draw) -> DayFactors:
    """A day as settled: the reward is what the factors give, within two satoshi."""
    day = DayFactors(
        submitted=draw(WORK),
        uptime=draw(st.fractions(min_value=Fraction(1, 1440), max_value=1, max_denominator=1440)),
        rejects=draw(SHARES),
        base_rate=draw(st.fractions(min_value=0, max_value=Fraction(1, 10**14))),
        network_fees=draw(SHARES),
        commission=draw(SHARES),
        reward_sat=0,
        transfers_sat=draw(st.integers(-(10**12), 10**12)),
    )
    return replace(day, reward_sat=max(0, reward_of(day) + draw(st.integers(-1, 1))))


def reward_of(day: DayFactors) -> int:
    accepted = day.submitted * (1 - day.rejects)
    gross = accepted * day.base_rate * (1 + day.network_fees)
    return int(gross * (1 - day.commission) // 1)


@given(days(), days())
def test_the_parts_are_the_difference_of_the_two_days(before, after):
    parts = split(before, after)
    assert sum(parts.values()) == after.total_sat - before.total_sat
    assert set(parts) == set(Part)


@given(days(), days())
def test_rounding_is_never_more_than_carried_fractions(before, after):
    assert abs(split(before, after)[Part.ROUNDING]) <= 4


@given(days())
def test_a_day_like_the_one_before_has_no_parts(day):
    assert set(split(day, day).values()) == {0}


@given(days(), days())
def test_each_step_is_what_a_plain_recomputation_gives(before, after):
    """The naive twin: work out the reward of each intermediate day from scratch."""
    if not (before.submitted and after.submitted):
        return
    steps = [before]
    full_time = Fraction(after.submitted) / after.uptime
    at_old_uptime = full_time * before.uptime
    chain = [
        (Part.HASHRATE, {"submitted": at_old_uptime}),
        (Part.DOWNTIME, {"submitted": after.submitted}),
        (Part.REJECTS, {"rejects": after.rejects}),
        (Part.DIFFICULTY, {"base_rate": after.base_rate}),
        (Part.NETWORK_FEES, {"network_fees": after.network_fees}),
        (Part.COMMISSIONS, {"commission": after.commission}),
    ]
    parts = split(before, after)
    for part, change in chain:
        steps.append(replace(steps[-1], **change))
        assert parts[part] == reward_of(steps[-1]) - reward_of(steps[-2]), part


@given(days(), st.fractions(min_value=Fraction(1, 100), max_value=5))
def test_only_what_changed_has_a_part(day, factor):
    harder = replace(day, base_rate=day.base_rate / (1 + factor))
    harder = replace(harder, reward_sat=reward_of(harder))
    parts = split(replace(day, reward_sat=reward_of(day)), harder)
    for part in (Part.HASHRATE, Part.DOWNTIME, Part.REJECTS, Part.COMMISSIONS, Part.TRANSFERS):
        assert parts[part] == 0
    assert parts[Part.DIFFICULTY] <= 0


@given(days(), days())
def test_a_day_without_work_is_all_hashrate_and_network(before, after):
    idle = replace(after, submitted=0, reward_sat=0)
    parts = split(before, idle)
    assert parts[Part.DOWNTIME] == parts[Part.REJECTS] == parts[Part.COMMISSIONS] == 0
    assert parts[Part.HASHRATE] == -reward_of(before)
