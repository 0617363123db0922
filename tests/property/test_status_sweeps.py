"""Statuses over random histories: monotone, explained, and the same in one sweep or a hundred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.figures.slots import NOT_SEEN, SlotTable, Worker
from aggregator.figures.status import REMOVED, evaluate, silence_limits
from aggregator.figures.sweep import SweepResult, SweepRule, sweep
from aggregator.figures.sweep_memory import Rows, SweepMemory
from schemas.worker import CAUSE_CODES, STATUS_CODES, Cause, EventKind, StatusPolicy

START_S = 1_790_000_040 // 60 * 60
# Small numbers, so that an hour of history holds every status.
POLICY = StatusPolicy(
    silent_intervals=3,
    silent_min_s=120,
    silent_max_s=900,
    rate_min_span_s=60,
    off_after_s=1_800,
    removed_after_s=3_600,
    source_min_workers=2,
    source_silent_intervals=3,
    source_silent_min_s=60,
)
RULE = SweepRule(POLICY, outage_gap_s=0)
WORKERS, SOURCES, MINUTES = 6, 2, 90

Share = tuple[int, int, int]
"""(second after START_S, worker, source)"""

Outage = tuple[int, int]
"""(second at which stream time stood, second at which it went on)"""


def one_source_a_minute(shares: list[Share]) -> list[Share]:
    """A row of (minute, worker) names one source, so a change of source shows from minute on."""
    sources: dict[tuple[int, int], int] = {}
    return [
        (second, worker, sources.setdefault((second // 60, worker), source))
        for second, worker, source in sorted(shares)
    ]


shares_lists = st.lists(
    st.tuples(
        st.integers(0, MINUTES * 60 - 1), st.integers(0, WORKERS - 1), st.integers(0, SOURCES)
    ),
    max_size=120,
).map(one_source_a_minute)


def table_of(workers: int) -> SlotTable:
    table = SlotTable(capacity=4)
    table.add([Worker(i + 1, 1, 1, 1, is_boundary=False) for i in range(workers)])
    return table


def rows_of(shares: list[Share]) -> Rows:
    """Shares → rows of (minute, worker), as intake writes them."""
    minutes: dict[tuple[int, int], tuple[int, int, int]] = {}
    for second, worker, source in shares:
        key = ((START_S + second) // 60 * 60, worker)
        count = minutes.get(key, (0, 0, 0))[0] + 1
        minutes[key] = (count, START_S + second, source)
    keys = list(minutes)
    return Rows(
        np.array([minute for minute, _ in keys], np.int64),
        np.array([worker for _, worker in keys], np.intp),
        np.array([minutes[key][0] for key in keys], np.int64),
        np.array([minutes[key][1] for key in keys], np.int64),
        np.array([minutes[key][2] for key in keys], np.int32),
    )


class Service:
    """A leader's memory and columns, swept at will. Minutes are re-read from all shares known."""

    def __init__(self, workers: int = WORKERS, rule: SweepRule = RULE) -> None:
        self.table = table_of(workers)
        self.memory = SweepMemory.new()
        self.rule = rule
        self.results: list[SweepResult] = []

    def sweep(self, shares: list[Share], to_s: int, outages: Sequence[Outage] = ()) -> SweepResult:
        rows = rows_of(shares)
        result = sweep(
            self.memory,
            self.table.columns,
            self.table.counts,
            rows=rows,
            to_s=START_S + to_s // 60 * 60,
            rule=self.rule,
            outages=[(START_S + stood_s, START_S + again_s) for stood_s, again_s in outages],
        )
        self.results.append(result)
        return result

    def follow(
        self,
        shares: list[Share],
        times_s: list[int],
        outages: Sequence[Outage] = (),
    ) -> None:
        """Sweep at each time with the minutes that changed since the sweep before it, and with the
        outages that were over by then."""
        before_s = 0
        for to_s in times_s:
            since_s = before_s // 60 * 60
            known = [share for share in shares if since_s <= share[0] <= to_s]
            if any(share[0] >= before_s for share in known) or to_s // 60 > before_s // 60:
                self.sweep(known, to_s, [outage for outage in outages if outage[1] <= to_s])
            before_s = to_s

    def told(self) -> list[tuple[int, ...]]:
        found = [
            row
            for result in self.results
            for row in zip(
                result.transitions.at_s.tolist(),
                result.transitions.slot.tolist(),
                result.transitions.number.tolist(),
                result.transitions.from_code.tolist(),
                result.transitions.to_code.tolist(),
                result.transitions.cause.tolist(),
                result.transitions.source_id.tolist(),
                strict=True,
            )
        ]
        return sorted(found)

    def transitions(self) -> list[tuple[int, ...]]:
        return [row for row in self.told() if row[3] != row[4]]

    def still_silent(self) -> list[tuple[int, int]]:
        """(instant, slot) of what changed nothing."""
        return [row[:2] for row in self.told() if row[3] == row[4]]

    def source_events(self) -> list[tuple[int, str, int, int]]:
        """By time. In one second a source falls silent and then is back, never the reverse."""
        return sorted(
            (
                (event.at_s, event.kind.value, event.source_id, event.workers)
                for result in self.results
                for event in result.sources
            ),
            key=lambda told: (told[0], told[1] == EventKind.SOURCE_BACK, *told[2:]),
        )


END_S = MINUTES * 60 + 2 * POLICY.removed_after_s
END_OF_TIME_S = START_S + 10 * END_S


@settings(max_examples=100, deadline=None)
@given(shares_lists, st.lists(st.integers(1, END_S - 1), max_size=100))
def test_one_sweep_tells_what_a_hundred_tell(shares: list[Share], cuts: list[int]) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S])
    many.follow(shares, [*sorted(set(cuts)), END_S])
    assert many.told() == one.told()
    assert many.source_events() == one.source_events()


@settings(max_examples=60, deadline=None)
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
            to_s=service.memory.swept_to_s or 0,
            policy=POLICY,
        )
        assert columns.status[seen].tolist() == expected[seen].tolist()
        assert not columns.last_share_s[~seen].any()


def one_after_the_other(found: list[Outage]) -> list[Outage]:
    """Pauses and lengths as outages that do not overlap."""
    outages: list[Outage] = []
    end_s = 0
    for pause_s, length_s in found:
        stood_s = end_s + pause_s
        end_s = stood_s + length_s
        outages.append((stood_s, end_s))
    return outages


outage_lists = st.lists(
    st.tuples(st.integers(1, 1_500), st.integers(61, 1_600)), min_size=1, max_size=4
).map(one_after_the_other)


def outside(cuts: list[int], outages: list[Outage]) -> list[int]:
    """Stream time stood still in an outage: no sweep came from inside it."""
    return sorted(
        {cut for cut in cuts if not any(stood_s < cut < end_s for stood_s, end_s in outages)}
    )


@settings(max_examples=150, deadline=None)
@given(shares_lists, outage_lists, st.lists(st.integers(1, END_S - 1), max_size=60))
def test_one_sweep_over_outages_tells_what_a_hundred_tell(
    shares: list[Share], outages: list[Outage], cuts: list[int]
) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S], outages)
    many.follow(shares, [*outside(cuts, outages), END_S], outages)
    assert many.told() == one.told()
    assert many.source_events() == one.source_events()
    assert many.memory.resumed_s == one.memory.resumed_s == START_S + outages[-1][1]


@settings(max_examples=150, deadline=None)
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


@settings(max_examples=150, deadline=None)
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
        columns, end_s = service.table.columns, service.memory.swept_to_s or 0
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


@settings(max_examples=60, deadline=None)
@given(shares_lists, st.lists(st.integers(1, END_S - 1), max_size=20))
def test_every_transition_is_explained(shares: list[Share], cuts: list[int]) -> None:
    service = Service()
    service.follow(shares, [*sorted(set(cuts)), END_S])
    share_minutes = {(worker, (START_S + second) // 60 * 60) for second, worker, _ in shares}
    last: dict[int, tuple[int, ...]] = {}
    for at_s, slot, number, from_code, to_code, cause_code, _ in service.transitions():
        cause = CAUSE_CODES[cause_code]
        previous = last.get(slot)
        assert number == (previous[2] + 1 if previous else 1)
        assert from_code == (previous[4] if previous else NOT_SEEN)
        assert from_code != to_code
        if to_code > max(from_code, 0):
            assert cause in {Cause.SILENCE, Cause.SOURCE_SILENT}
            silence_s = at_s - max(
                second + START_S
                for second, worker, _ in shares
                if worker == slot and second + START_S < at_s
            )
            assert silence_s >= POLICY.silent_min_s
        else:
            assert (slot, at_s) in share_minutes
            assert cause in {Cause.FIRST_SHARE, Cause.SHARE, Cause.SOURCE_BACK}
            assert (cause is Cause.FIRST_SHARE) == (previous is None)
        last[slot] = (at_s, slot, number, from_code, to_code)
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


def healthy(worker: int, source: int, until_s: int, every_s: int = 20) -> list[Share]:
    return [(second, worker, source) for second in range(worker, until_s, every_s)]


def kinds(service: Service) -> list[tuple[str, str, str]]:
    return [
        (
            STATUS_CODES[row[4]].value,
            CAUSE_CODES[row[5]].value,
            f"worker {row[1]}",
        )
        for row in service.transitions()
    ]


def test_silent_source_is_told_once_and_its_workers_carry_the_cause() -> None:
    shares = sorted(healthy(0, 1, 600) + healthy(1, 1, 600) + healthy(2, 2, 1_800))
    back = [*healthy(0, 1, 1_740)[-3:], (1_741, 1, 1)]
    service = Service(workers=3)
    service.follow(sorted(shares + back), list(range(30, 1_831, 30)))
    assert [event[1:] for event in service.source_events()] == [
        (EventKind.SOURCE_SILENT, 1, 2),
        (EventKind.SOURCE_BACK, 1, 2),
    ]
    assert sorted(kinds(service)) == sorted(
        [("stable", "first_share", f"worker {worker}") for worker in range(3)]
        + [("unavailable", "source_silent", f"worker {worker}") for worker in range(2)]
        + [("stable", "source_back", f"worker {worker}") for worker in range(2)]
    )


def left_behind(service: Service, shares: list[Share]) -> list[tuple[int, int]]:
    """The naive twin: worker by worker, silence by silence, from what else was told."""
    found: list[tuple[int, int]] = []
    for worker in range(WORKERS):
        falls: list[tuple[int, ...]] = []
        for row in [*(row for row in service.transitions() if row[1] == worker), None]:
            if row is not None and STATUS_CODES[row[4]] != "stable":
                falls.append(row)
                continue
            ended_s = row[0] if row is not None else START_S + END_S
            found += told_of(service, shares, falls, ended_s=ended_s)
            falls = []
    return sorted(found)


def told_of(
    service: Service, shares: list[Share], falls: list[tuple[int, ...]], *, ended_s: int
) -> Iterator[tuple[int, int]]:
    """What has to be told of one silence of a worker: `falls` are its unavailable, off, removed."""
    if not falls:
        return
    fell_s, worker, *_, source = falls[0]
    own_s = [START_S + second for second, owner, _ in shares if owner == worker]
    limit_s = fell_s - max(second for second in own_s if second < fell_s)
    events = [event for event in service.source_events() if event[2] == source]
    ends_s = [*(fall[0] for fall in falls[1:]), END_OF_TIME_S]
    for fall, further_s in zip(falls, ends_s, strict=True):
        if CAUSE_CODES[fall[5]] is not Cause.SOURCE_SILENT or STATUS_CODES[fall[4]] == "removed":
            continue
        for (back_s, kind, *_), again in zip(events, [*events[1:], (END_OF_TIME_S,)], strict=True):
            due_s = back_s + limit_s
            in_time = due_s <= ended_s and due_s < min(further_s, again[0])
            if kind == EventKind.SOURCE_BACK and fall[0] <= back_s and in_time:
                yield due_s, worker
                break


# Bursts of two workers on one source and what one of them does later: silent sources, their
# returns with and without the other worker, and a second silence are all frequent.
bursts = st.lists(
    st.tuples(st.integers(0, MINUTES - 1), st.integers(1, 6), st.sets(st.integers(0, WORKERS - 1))),
    min_size=1,
    max_size=8,
)


def shares_of(found: list[tuple[int, int, set[int]]]) -> list[Share]:
    """Each burst: some workers share every 20 s for some minutes, all on source 1."""
    return one_source_a_minute(
        sorted(
            {
                (minute * 60 + second + worker, worker, 1)
                for minute, length, workers in found
                for worker in workers
                for second in range(0, length * 60, 20)
                if minute * 60 + second + worker < MINUTES * 60
            }
        )
    )


@settings(max_examples=150, deadline=None)
@given(bursts.map(shares_of), st.lists(st.integers(1, END_S - 1), max_size=60))
def test_who_is_left_behind_by_its_source_is_told_once(
    shares: list[Share], cuts: list[int]
) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S])
    many.follow(shares, [*sorted(set(cuts)), END_S])
    assert one.still_silent() == left_behind(one, shares)
    assert many.told() == one.told()
    assert many.source_events() == one.source_events()


@settings(max_examples=60, deadline=None)
@given(bursts.map(shares_of), st.integers(60, END_S - 60))
def test_new_leader_knows_whom_a_source_left_behind(shares: list[Share], cut_s: int) -> None:
    test_new_leader_goes_on_where_the_old_one_stopped.hypothesis.inner_test(shares, cut_s)  # type: ignore[attr-defined]


def test_worker_that_its_source_leaves_behind_is_told_as_its_own() -> None:
    """Both fall with the source; one comes back with it, the other not until much later."""
    shares = sorted(
        healthy(0, 1, 600)
        + healthy(1, 1, 600)
        + [(second, 0, 1) for second in range(1_200, 1_800, 20)]
    )
    service = Service(workers=2)
    service.follow([*shares, (1_790, 1, 1)], list(range(30, 1_831, 30)))
    back_s, limit_s = START_S + 1_200, 120
    assert [event[0] for event in service.source_events()][1:] == [back_s]
    assert service.still_silent() == [(back_s + limit_s, 1)]
    # Its return is its own, too.
    assert kinds(service)[-1] == ("stable", "share", "worker 1")


def test_source_that_is_drained_is_not_silent() -> None:
    shares = sorted(
        [share for worker in range(4) for share in healthy(worker, 1, 600)]
        + [(second + 600, worker, 2) for second, worker, _ in healthy(0, 2, 600)]
        + [(second + 600, worker, 2) for worker in (1, 2, 3) for second, _, _ in healthy(0, 2, 600)]
    )
    service = Service(workers=4)
    service.follow(shares, list(range(30, 1_201, 30)))
    assert service.source_events() == []


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


@pytest.mark.parametrize("gap_s", [70, 120, 180, 230])
def test_short_outage_of_the_broker_silences_no_source(gap_s: int) -> None:
    """Longer than a source may be silent, too short for the sweeps to see an outage."""
    shares = sorted(healthy(0, 1, 600) + healthy(1, 1, 600))
    again = [(600 + gap_s + second, worker, 1) for second, worker, _ in shares]
    service = Service(workers=2, rule=SweepRule(POLICY, outage_gap_s=180))
    service.follow(shares, list(range(30, 601, 30)))
    service.sweep([], 600 + gap_s)
    service.follow(again, list(range(600 + gap_s + 30, 1_200 + gap_s, 30)))
    assert service.source_events() == []


def test_only_source_that_dies_is_told_all_the_same() -> None:
    service = Service(workers=2, rule=SweepRule(POLICY, outage_gap_s=180))
    service.follow(sorted(healthy(0, 1, 600) + healthy(1, 1, 600)), list(range(30, 901, 30)))
    assert [(event[0] - START_S, *event[1:]) for event in service.source_events()] == [
        (581 + 240, EventKind.SOURCE_SILENT, 1, 2)
    ]


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


def test_late_share_within_the_limit_revives_and_an_older_one_does_not() -> None:
    service = Service(workers=2)
    service.follow(sorted(healthy(0, 0, 60) + healthy(1, 0, 60)), [1_200])
    assert service.table.columns.status.tolist() == [1, 1]
    service.sweep([(1_150, 0, 0), (500, 1, 0)], 1_260)
    assert service.table.columns.status.tolist() == [0, 1]
    assert service.table.columns.last_share_s[1] == START_S + 500


def test_worker_removed_by_hand_comes_back_with_a_newer_share_only() -> None:
    from aggregator.figures.transitions import changed_by_hand

    service = Service(workers=1)
    service.follow(healthy(0, 0, 300), [300])
    removed = changed_by_hand(
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


def columns_and_counts(service: Service) -> list[NDArray[np.generic]]:
    columns = service.table.columns
    return [columns.status, columns.status_since_s, columns.transition_number, columns.last_share_s,
            columns.share_interval_s, columns.source_id]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(shares_lists, st.integers(60, END_S - 60))
def test_new_leader_goes_on_where_the_old_one_stopped(shares: list[Share], cut_s: int) -> None:
    goes_on_under_a_new_leader(shares, cut_s // 60 * 60, [])


@settings(max_examples=100, deadline=None)
@given(shares_lists, st.integers(60, END_S - 60), outage_lists)
def test_new_leader_knows_which_outages_were_taken_up(
    shares: list[Share], cut_s: int, outages: list[Outage]
) -> None:
    cut_s = cut_s // 60 * 60
    assume(outside([cut_s], outages))
    goes_on_under_a_new_leader(shares, cut_s, outages)


def goes_on_under_a_new_leader(shares: list[Share], cut_s: int, outages: list[Outage]) -> None:
    from aggregator.figures.sweep import warm_up

    plain, restarted = Service(), Service()
    plain.follow(shares, [cut_s, END_S], outages)
    restarted.follow(shares, [cut_s], outages)
    old = restarted.memory
    taken = np.flatnonzero(old.taken.read(np.arange(WORKERS)))
    restarted.memory = SweepMemory.restored(replace(old.state()), taken_slots=taken)
    restarted.table.counts[:] = 0
    hour = [share for share in shares if cut_s - 3_600 <= share[0] <= cut_s]
    warm_up(restarted.memory, restarted.table.counts, rows_of(hour))
    restarted.sweep([share for share in shares if share[0] >= cut_s], END_S, outages)
    assert restarted.told() == plain.told()
    assert restarted.source_events() == plain.source_events()
    for kept, expected in zip(
        columns_and_counts(restarted), columns_and_counts(plain), strict=True
    ):
        assert kept.tolist() == expected.tolist()
