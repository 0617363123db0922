"""Stratum servers that fall silent: reported once, with the workers they leave behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.status.sweep import SweepRule
from schemas.worker import CAUSE_CODES, STATUS_CODES, Cause, EventKind
from tests.property.effort import examples
from tests.property.sweeps.harness import (
    END_OF_TIME_S,
    END_S,
    MINUTES,
    POLICY,
    START_S,
    WORKERS,
    Service,
    Share,
    goes_on_under_a_new_leader,
    healthy,
    kinds,
    one_source_a_minute,
)


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
    """The naive twin: worker by worker, silence by silence, from what else was reported."""
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
    """Events of one silence of a worker: `falls` are its unavailable, off, removed."""
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


@examples(150)
@given(bursts.map(shares_of), st.lists(st.integers(1, END_S - 1), max_size=60))
def test_who_is_left_behind_by_its_source_is_told_once(
    shares: list[Share], cuts: list[int]
) -> None:
    one, many = Service(), Service()
    one.follow(shares, [END_S])
    many.follow(shares, [*sorted(set(cuts)), END_S])
    assert one.still_silent() == left_behind(one, shares)
    assert many.events() == one.events()
    assert many.source_events() == one.source_events()


@examples(60)
@given(bursts.map(shares_of), st.integers(60, END_S - 60))
def test_new_leader_knows_whom_a_source_left_behind(shares: list[Share], cut_s: int) -> None:
    goes_on_under_a_new_leader(shares, cut_s // 60 * 60, [])


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


@given(
    late=st.lists(
        st.tuples(st.integers(300, 640), st.integers(0, 1), st.integers(660, 2_400)), max_size=8
    )
)
@examples(60)
def test_late_shares_of_a_silent_source_tell_nobody_again(
    late: list[tuple[int, int, int]],
) -> None:
    """(their time, worker, when they come in): all from before it was too long silent, at 641."""
    live = sorted(healthy(0, 1, 600) + healthy(1, 1, 600) + healthy(2, 2, 2_400))
    service = Service(workers=3)
    for to_s in range(60, 2_461, 30):
        known = [share for share in live if share[0] <= to_s]
        known += [(at_s, worker, 1) for at_s, worker, when_s in late if when_s <= to_s]
        since_s = (to_s - 30) // 60 * 60
        came = {at_s // 60 for at_s, _, when_s in late if to_s - 30 < when_s <= to_s}
        # Minutes that changed are read whole, as the leader does.
        changed = [each for each in known if each[0] >= since_s or each[0] // 60 in came]
        service.sweep(one_source_a_minute(changed), to_s)
    kinds = [event[1] for event in service.source_events() if event[2] == 1]
    assert kinds == [EventKind.SOURCE_SILENT]
