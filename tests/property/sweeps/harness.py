"""A service that sweeps random histories of shares, and the events it published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.figures.status.memory import Rows, SweepMemory
from aggregator.figures.status.sweep import SweepResult, SweepRule, sweep, warm_up
from aggregator.figures.worker_arrays import StatusColumns, WorkerTable
from schemas.worker import CAUSE_CODES, STATUS_CODES, EventKind, StatusPolicy

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


def table_of(workers: int) -> WorkerTable:
    table = WorkerTable(capacity=4)
    table.add(StatusColumns.of(np.arange(1, workers + 1), miner_id=1, operator_id=1, pool_id=1))
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

    def sweep(
        self,
        shares: list[Share],
        to_s: int,
        outages: Sequence[Outage] = (),
        *,
        wait: bool = False,
    ) -> SweepResult:
        rows = rows_of(shares)
        result = sweep(
            self.memory,
            self.table.columns,
            self.table.counts,
            rows=rows,
            to_s=START_S + to_s // 60 * 60,
            rule=self.rule,
            outages=[(START_S + stood_s, START_S + again_s) for stood_s, again_s in outages],
            wait=wait,
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

    def events(self) -> list[tuple[int, ...]]:
        found = [
            row
            for result in self.results
            for row in zip(
                result.transitions.at_s.tolist(),
                result.transitions.index.tolist(),
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
        return [row for row in self.events() if row[3] != row[4]]

    def still_silent(self) -> list[tuple[int, int]]:
        """(instant, index) of what changed nothing."""
        return [row[:2] for row in self.events() if row[3] == row[4]]

    def source_events(self) -> list[tuple[int, str, int, int]]:
        """By time. In one second a source falls silent and then is back, never the reverse."""
        return sorted(
            (
                (event.at_s, event.kind.value, event.source_id, event.workers)
                for result in self.results
                for event in result.sources
            ),
            key=lambda row: (row[0], row[1] == EventKind.SOURCE_BACK, *row[2:]),
        )


END_S = MINUTES * 60 + 2 * POLICY.removed_after_s

END_OF_TIME_S = START_S + 10 * END_S


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


def columns_and_counts(service: Service) -> list[NDArray[np.generic]]:
    columns = service.table.columns
    return [columns.status, columns.status_since_s, columns.transition_number, columns.last_share_s,
            columns.share_interval_s, columns.source_id]  # fmt: skip


def goes_on_under_a_new_leader(shares: list[Share], cut_s: int, outages: list[Outage]) -> None:
    """The second half under a leader that has the first one's stored state only."""
    plain, restarted = Service(), Service()
    plain.follow(shares, [cut_s, END_S], outages)
    restarted.follow(shares, [cut_s], outages)
    old = restarted.memory
    attributed = np.flatnonzero(old.attributed.read(np.arange(WORKERS)))
    restarted.memory = SweepMemory.restored(replace(old.state()), attributed=attributed)
    restarted.table.counts[:] = 0
    hour = [share for share in shares if cut_s - 3_600 <= share[0] <= cut_s]
    warm_up(restarted.memory, restarted.table.counts, rows_of(hour))
    restarted.sweep([share for share in shares if share[0] >= cut_s], END_S, outages)
    assert restarted.events() == plain.events()
    assert restarted.source_events() == plain.source_events()
    for kept, expected in zip(
        columns_and_counts(restarted), columns_and_counts(plain), strict=True
    ):
        assert kept.tolist() == expected.tolist()
