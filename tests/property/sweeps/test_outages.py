"""Outages: nobody is judged inside one, and everybody has the whole limit again after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aggregator.figures.status.rule import evaluate
from aggregator.figures.status.sweep import SweepRule
from aggregator.figures.worker_arrays import NOT_SEEN
from schemas.worker import EventKind
from tests.property.effort import examples
from tests.property.sweeps.harness import (
    END_S,
    POLICY,
    START_S,
    Outage,
    Service,
    Share,
    goes_on_under_a_new_leader,
    healthy,
    kinds,
    outage_lists,
    outside,
    shares_lists,
)


@examples(150)
@given(shares_lists, outage_lists, st.lists(st.integers(1, END_S - 1), max_size=60))
def test_one_sweep_over_outages_tells_what_a_hundred_tell(
    shares: list[Share], outages: list[Outage], cuts: list[int]
) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S], outages)
    many.follow(shares, [*outside(cuts, outages), END_S], outages)
    assert many.events() == one.events()
    assert many.source_events() == one.source_events()
    assert many.memory.resumed_s == one.memory.resumed_s == START_S + outages[-1][1]


@examples(150)
@given(shares_lists, outage_lists, st.lists(st.integers(1, END_S - 1), max_size=20))
def test_nobody_is_judged_inside_an_outage_whatever_shares_it_has(
    shares: list[Share], outages: list[Outage], cuts: list[int]
) -> None:
    service = Service()
    service.follow(shares, [*outside(cuts, outages), END_S], outages)
    falls = [row for row in service.transitions() if row[4] > max(row[3], 0)]
    silent = [event for event in service.source_events() if event[1] == EventKind.SOURCE_SILENT]
    for at_s in [row[0] - START_S for row in falls if row[4] == 1] + [
        event[0] - START_S for event in silent
    ]:
        for stood_s, end_s in outages:
            assert not stood_s < at_s < end_s + POLICY.silent_min_s


@examples(150)
@given(shares_lists, outage_lists, st.lists(st.integers(1, END_S - 1), max_size=20))
def test_status_over_outages_is_what_a_plain_walk_says(
    shares: list[Share], outages: list[Outage], cuts: list[int]
) -> None:
    """The naive twin: the worst of what the rule says where each outage began, and now."""
    service = Service()
    before_s = 0
    for to_s in [*outside(cuts, outages), END_S]:
        known = [share for share in shares if share[0] >= before_s // 60 * 60]
        service.follow(known, [to_s], outages)
        before_s = to_s
        columns, end_s = service.table.columns, service.memory.judged_to_s or 0
        expected = np.zeros(len(columns.status), np.int8)
        resumed_s = 0
        over = [outage for outage in outages if outage[1] <= to_s]
        for stood_s, again_s in [*over, (END_S, END_S)]:
            judged_s = min(START_S + stood_s // 60 * 60, end_s)
            codes = evaluate(
                columns.last_share_s,
                columns.share_interval_s,
                to_s=judged_s,
                policy=POLICY,
                resumed_s=resumed_s,
            )
            expected = np.maximum(expected, codes)
            resumed_s = START_S + again_s
        seen = columns.status != NOT_SEEN
        assert columns.status[seen].tolist() == expected[seen].tolist()


def test_outage_that_one_producer_filled_in_silences_nobody_of_the_other() -> None:
    """Also where stream time works its way through it: the shares are a backlog."""
    alive, late = healthy(0, 1, 1_500), healthy(1, 2, 1_500)
    gap = (610, 1_300)
    first = sorted(alive + [share for share in late if share[0] < gap[0]])
    for times_s in ([1_310], [700, 800, 1_000, 1_310]):
        service = Service(workers=2, rule=SweepRule(replace(POLICY, source_min_workers=1)))
        service.follow(first, list(range(30, 601, 30)))
        for to_s in times_s:
            service.sweep([share for share in first if 540 <= share[0] < to_s], to_s, [gap])
        service.sweep([share for share in late if 600 <= share[0] < 1_370], 1_370, [gap])
        assert {row[4] for row in service.transitions()} == {0}
        assert service.source_events() == []
        assert service.table.columns.last_share_s[1] > START_S + 1_300


@pytest.mark.parametrize("gap_s", [600, 20_040])
def test_outage_of_the_service_is_not_the_death_of_anybody(gap_s: int) -> None:
    shares = sorted(healthy(0, 1, 600) + healthy(1, 1, 600))
    service = Service(workers=2, rule=SweepRule(POLICY, outage_gap_s=180))
    service.follow(shares, list(range(30, 601, 30)))
    # The broker is back and has nothing yet: stream time jumps to the wall clock.
    service.sweep([], 600 + gap_s)
    service.sweep([(600 + gap_s + 70, 0, 1)], 600 + gap_s + 100)
    assert {row[4] for row in service.transitions()} == {0}
    # Worker 1 really died in the outage; that follows once its limit has run out after it.
    service.follow(
        [(second, 0, 1) for second in range(600 + gap_s + 70, 600 + gap_s + 400, 20)],
        [600 + gap_s + 400],
    )
    assert ("unavailable", "silence", "worker 1") in kinds(service)
    assert not [kind for kind in kinds(service) if kind[2] == "worker 0"][1:]


@examples(100)
@given(shares_lists, st.integers(60, END_S - 60), outage_lists)
def test_new_leader_knows_which_outages_were_taken_up(
    shares: list[Share], cut_s: int, outages: list[Outage]
) -> None:
    cut_s = cut_s // 60 * 60
    assume(outside([cut_s], outages))
    goes_on_under_a_new_leader(shares, cut_s, outages)
