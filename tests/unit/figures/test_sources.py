"""When a stratum server as a whole is silent, and when it is only its workers that are few."""

from __future__ import annotations

import numpy as np

from aggregator.figures.status.rule import NEVER_RESUMED_S
from aggregator.figures.status.sources import SourceEvent, SourceWatch
from aggregator.figures.worker_arrays import StatusColumns, WorkerTable
from schemas.worker import EventKind, StatusPolicy

START_S = 1_790_000_040 // 60 * 60
POLICY = StatusPolicy()
SOURCE = 3


def pool(workers: int, *, last_share_s: int = START_S + 50) -> WorkerTable:
    table = WorkerTable(capacity=workers)
    table.add(StatusColumns.of(np.arange(1, workers + 1), miner_id=1, operator_id=1, pool_id=1))
    table.columns.last_share_s[:] = last_share_s
    table.columns.source_id[:] = SOURCE
    return table


def minute(
    watch: SourceWatch, minute_s: int, *, source: int = SOURCE, shares: int = 60, last: int = 50
) -> list[SourceEvent]:
    return watch.take(
        minute_s,
        source_id=np.array([source], np.int32),
        accepted=np.array([shares]),
        last_share_s=np.array([minute_s + last]),
        policy=POLICY,
    )


def run_out(watch: SourceWatch, table: WorkerTable, to_s: int) -> list[SourceEvent]:
    return watch.run_out(to_s, columns=table.columns, policy=POLICY, resumed_s=NEVER_RESUMED_S)


def test_source_of_ten_workers_is_silent_after_a_minute_and_told_once() -> None:
    watch, table = SourceWatch(), pool(10)
    minute(watch, START_S, shares=600)
    assert run_out(watch, table, START_S + 109) == []
    silent = SourceEvent(EventKind.SOURCE_SILENT, SOURCE, START_S + 110, 10)
    assert run_out(watch, table, START_S + 110) == [silent]
    assert run_out(watch, table, START_S + 999) == []


def test_source_of_nine_workers_is_theirs_alone() -> None:
    watch, table = SourceWatch(), pool(9)
    minute(watch, START_S, shares=600)
    assert run_out(watch, table, START_S + 86_400) == []


def test_workers_that_left_long_before_do_not_count() -> None:
    watch, table = SourceWatch(), pool(20, last_share_s=START_S - 3_600)
    table.columns.last_share_s[:9] = START_S
    minute(watch, START_S, shares=600)
    assert run_out(watch, table, START_S + 86_400) == []


def test_slow_source_has_twenty_of_its_own_intervals() -> None:
    watch, table = SourceWatch(), pool(10)
    # 10 shares since the minute's start, over 10 minutes at least: one a minute.
    minute(watch, START_S, shares=10)
    assert run_out(watch, table, START_S + 50 + 1_199) == []
    assert len(run_out(watch, table, START_S + 50 + 1_200)) == 1


def test_share_of_the_source_brings_it_back_with_the_number_that_fell() -> None:
    watch, table = SourceWatch(), pool(12)
    minute(watch, START_S, shares=600)
    run_out(watch, table, START_S + 300)
    assert minute(watch, START_S + 300, source=SOURCE + 1) == []
    back = SourceEvent(EventKind.SOURCE_BACK, SOURCE, START_S + 300, 12)
    assert minute(watch, START_S + 300) == [back]
    assert minute(watch, START_S + 360) == []


def test_only_what_fell_silent_with_the_source_is_laid_to_it() -> None:
    watch, table = SourceWatch(), pool(10)
    minute(watch, START_S, shares=600)
    run_out(watch, table, START_S + 300)
    long_before_s = START_S + 110 - POLICY.rate_span_s
    blamed = watch.to_blame(
        np.array([SOURCE, SOURCE, SOURCE + 1, 0, SOURCE], np.int32),
        due_s=np.array([START_S + 109, START_S + 110, START_S + 400, START_S + 400, START_S + 400]),
        last_share_s=np.array([START_S] * 4 + [long_before_s]),
        policy=POLICY,
    )
    assert blamed.tolist() == [False, True, False, False, False]


def test_restart_keeps_who_is_silent() -> None:
    watch, table = SourceWatch(), pool(10)
    minute(watch, START_S, shares=600)
    run_out(watch, table, START_S + 300)
    restarted = SourceWatch()
    restarted.load(list(watch.states()))
    assert run_out(restarted, table, START_S + 360) == []
    assert [event.kind for event in minute(restarted, START_S + 360)] == [EventKind.SOURCE_BACK]


def test_after_an_outage_a_source_has_minutes_to_reach_the_broker() -> None:
    watch, table = SourceWatch(), pool(10)
    minute(watch, START_S, shares=600)
    resumed_s = START_S + 3_600

    def events(to_s: int) -> list[SourceEvent]:
        return watch.run_out(to_s, columns=table.columns, policy=POLICY, resumed_s=resumed_s)

    assert events(resumed_s + POLICY.silent_min_s - 1) == []
    assert len(events(resumed_s + POLICY.silent_min_s)) == 1
