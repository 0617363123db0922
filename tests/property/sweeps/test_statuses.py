"""Statuses over random histories: monotone, explained, and the same in one sweep or a hundred."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.state import FiguresState, Undo
from aggregator.figures.status.rule import REMOVED, evaluate, silence_limits
from aggregator.figures.status.sweep import SweepRule
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.worker_arrays import NOT_SEEN
from schemas.worker import CAUSE_CODES, Cause, StatusPolicy
from tests.property.effort import examples
from tests.property.sweeps.harness import (
    END_S,
    POLICY,
    START_S,
    Service,
    Share,
    goes_on_under_a_new_leader,
    healthy,
    kinds,
    shares_lists,
)


@examples(100)
@given(shares_lists, st.lists(st.integers(1, END_S - 1), max_size=100))
def test_one_sweep_tells_what_a_hundred_tell(shares: list[Share], cuts: list[int]) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S])
    many.follow(shares, [*sorted(set(cuts)), END_S])
    assert many.events() == one.events()
    assert many.source_events() == one.source_events()


@examples(60)
@given(shares_lists, st.lists(st.integers(1, END_S - 1), max_size=20))
def test_status_is_what_the_rule_says_after_every_sweep(
    shares: list[Share], cuts: list[int]
) -> None:
    service = Service()
    before_s = 0
    for to_s in sorted({*cuts, END_S}):
        service.follow([share for share in shares if share[0] >= before_s // 60 * 60], [to_s])
        before_s = to_s
        columns = service.table.columns
        seen = columns.status != NOT_SEEN
        expected = evaluate(
            columns.last_share_s,
            columns.share_interval_s,
            to_s=service.memory.judged_to_s or 0,
            policy=POLICY,
        )
        assert columns.status[seen].tolist() == expected[seen].tolist()
        assert not columns.last_share_s[~seen].any()


@examples(60)
@given(shares_lists, st.lists(st.integers(1, END_S - 1), max_size=20))
def test_every_transition_is_explained(shares: list[Share], cuts: list[int]) -> None:
    service = Service()
    service.follow(shares, [*sorted(set(cuts)), END_S])
    share_minutes = {(worker, (START_S + second) // 60 * 60) for second, worker, _ in shares}
    last: dict[int, tuple[int, ...]] = {}
    for at_s, index, number, from_code, to_code, cause_code, _ in service.transitions():
        cause = CAUSE_CODES[cause_code]
        previous = last.get(index)
        assert number == (previous[2] + 1 if previous else 1)
        assert from_code == (previous[4] if previous else NOT_SEEN)
        assert from_code != to_code
        if to_code > max(from_code, 0):
            assert cause in {Cause.SILENCE, Cause.SOURCE_SILENT}
            silence_s = at_s - max(
                second + START_S
                for second, worker, _ in shares
                if worker == index and second + START_S < at_s
            )
            assert silence_s >= POLICY.silent_min_s
        else:
            assert (index, at_s) in share_minutes
            assert cause in {Cause.FIRST_SHARE, Cause.SHARE, Cause.SOURCE_BACK}
            assert (cause is Cause.FIRST_SHARE) == (previous is None)
        last[index] = (at_s, index, number, from_code, to_code)
    assert set(last) == {worker for _, worker, _ in shares}


@given(
    st.floats(0, 10_000),
    st.lists(st.integers(0, 40 * 86_400), min_size=2).map(sorted),
    st.integers(0, 40 * 86_400),
)
def test_status_never_improves_with_silence(
    interval_s: float, silences_s: list[int], resumed_s: int
) -> None:
    for resumed in (0, START_S + resumed_s):
        codes = [
            int(
                evaluate(
                    np.array([START_S]),
                    np.array([interval_s]),
                    to_s=START_S + silence_s,
                    policy=StatusPolicy(),
                    resumed_s=resumed,
                )[0]
            )
            for silence_s in silences_s
        ]
        assert codes == sorted(codes)


def test_limit_is_26_intervals_between_five_minutes_and_two_hours() -> None:
    intervals_s = np.array([0.0, 0.5, 10.0, 11.0, 12.0, 60.0, 276.9, 277.0, 1e9])
    limits_s = silence_limits(intervals_s, StatusPolicy())
    assert limits_s.tolist() == [7_200, 300, 300, 300, 312, 1_560, 7_200, 7_200, 7_200]


def test_service_that_was_down_finds_the_silence_that_the_stream_proves() -> None:
    shares = sorted(healthy(0, 1, 3_600) + healthy(1, 1, 600))
    service = Service(workers=2, rule=SweepRule(POLICY, outage_gap_s=180))
    service.follow(shares, [590, 3_600])
    limit_s = 120
    falls = [row for row in service.transitions() if row[4] == 1]
    assert [(row[0] - START_S, row[1]) for row in falls] == [(581 + limit_s, 1)]


def test_partition_that_lags_proves_no_silence() -> None:
    """Stream time stands at the slow partition; shares of the fast one are an hour ahead."""
    service = Service(workers=2)
    service.follow(sorted(healthy(0, 1, 600) + healthy(1, 1, 600)), [600])
    service.sweep([(4_000, 0, 1)], 600)
    assert {row[4] for row in service.transitions()} == {0}
    assert service.table.columns.last_share_s[0] == START_S + 4_000


def test_nobody_is_judged_while_a_producer_sends_its_history() -> None:
    """Stream time is at two hours; the shares of these hours come in four parts, one a sweep."""
    service = Service(workers=2)
    service.sweep([], 7_200)
    history = sorted(healthy(0, 0, 7_190) + healthy(1, 0, 3_600))
    for part in range(4):
        shares = [each for each in history if part * 1_800 <= each[0] < (part + 1) * 1_800]
        service.sweep(shares, 7_200, wait=True)
    assert {row[4] for row in service.transitions()} == {0}
    service.sweep([], 7_260)
    first, second = service.table.columns.status.tolist()
    assert first == 0
    assert second != 0


def test_late_share_within_the_limit_revives_and_an_older_one_does_not() -> None:
    service = Service(workers=2)
    service.follow(sorted(healthy(0, 0, 60) + healthy(1, 0, 60)), [1_200])
    assert service.table.columns.status.tolist() == [1, 1]
    service.sweep([(1_150, 0, 0), (500, 1, 0)], 1_260)
    assert service.table.columns.status.tolist() == [0, 1]
    assert service.table.columns.last_share_s[1] == START_S + 500


def test_worker_removed_by_hand_comes_back_with_a_newer_share_only() -> None:
    from aggregator.figures.status.transitions import changed_manually

    service = Service(workers=1)
    service.follow(healthy(0, 0, 300), [300])
    removed = changed_manually(
        service.table.columns,
        np.array([0]),
        code=REMOVED,
        at_s=np.array([START_S + 290]),
        cause=Cause.REMOVED_BY_HAND,
    )
    assert removed.to_code.tolist() == [REMOVED]
    service.sweep([(285, 0, 0)], 300)
    service.sweep([], 1_200)
    assert service.table.columns.status.tolist() == [REMOVED]
    service.sweep([(1_210, 0, 0)], 1_200)
    assert service.table.columns.status.tolist() == [0]
    assert kinds(service)[-1] == ("stable", "share", "worker 0")


def test_boundary_workers_are_not_judged_by_shares() -> None:
    service = Service(workers=1)
    service.table.columns.is_boundary[0] = True
    service.follow(healthy(0, 0, 300), [86_400])
    assert service.transitions() == []


@examples(100)
@given(shares_lists, st.integers(60, END_S - 60))
def test_new_leader_goes_on_where_the_old_one_stopped(shares: list[Share], cut_s: int) -> None:
    goes_on_under_a_new_leader(shares, cut_s // 60 * 60, [])


@examples(100)
@given(shares_lists, st.integers(0, END_S - 1), st.integers(0, END_S - 1))
def test_sweep_that_is_undone_leaves_no_trace(
    shares: list[Share], cut_s: int, tried_s: int
) -> None:
    """A cycle that failed is made up for by a longer one."""
    cut_s, tried_s = sorted((cut_s // 60 * 60, tried_s))
    plain, disturbed = Service(), Service()
    for service in (plain, disturbed):
        service.follow(shares, [cut_s])
    rest = [share for share in shares if share[0] >= cut_s]
    state = FiguresState(WindowGrid(0), disturbed.table, disturbed.memory)
    undo = Undo.of(state)
    disturbed.sweep([share for share in rest if share[0] <= tried_s], tried_s)
    undo.apply(state)
    disturbed.memory, disturbed.results = state.memory, disturbed.results[:-1]
    for service in (plain, disturbed):
        service.sweep(rest, END_S)
    assert disturbed.events() == plain.events()
    assert disturbed.source_events() == plain.source_events()
