"""A leader that forgets workers against one that keeps everybody: the same answers and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.minutes.reader import MinuteRows
from aggregator.figures.state import FiguresState, Reading, Undo, apply_reading, snapshot
from aggregator.figures.status.manual import ManualChanges, apply_manual_changes
from aggregator.figures.status.store import BoundaryChange
from aggregator.figures.stored_workers import StoredFigures, StoredWorkers
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.worker_arrays import StatusColumns
from tests.property.effort import examples
from tests.property.sweeps.harness import RULE, START_S

START = START_S // 60
MINERS = {worker: 1 + worker % 3 for worker in range(1, 13)}
BOUNDARY = 12

Step = tuple[int, list[int], list[int], bool]
"""(minutes of stream time, who works, who is removed by hand, whether a first attempt fails)"""

steps = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 17, 70, 200, 1_500, 10_100, 10_300, 15_000]),
        st.lists(st.sampled_from([*MINERS]), max_size=4, unique=True),
        st.lists(st.sampled_from([worker for worker in MINERS if worker != BOUNDARY]), max_size=1),
        st.booleans(),
    ),
    max_size=8,
)


@dataclass
class Tables:
    """`worker_figures`, `entity_figures`, `status_counts` and `events`, in plain dicts."""

    columns: dict[int, StatusColumns] = field(default_factory=dict)
    totals: dict[int, np.ndarray[Any, Any]] = field(default_factory=dict)
    entities: dict[int, list[float]] = field(default_factory=dict)
    counts: dict[int, list[int]] = field(default_factory=dict)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    attributed: set[int] = field(default_factory=set)

    def stored(self, worker_ids: list[int]) -> StoredWorkers:
        known = [worker for worker in worker_ids if worker in self.columns]
        new = np.array([each for each in worker_ids if each not in self.columns], np.int32)
        miners = np.array([MINERS[worker] for worker in new.tolist()], np.int32)
        return StoredWorkers(
            [StoredFigures(self.columns[worker], self.totals[worker]) for worker in known],
            np.array(sorted(self.attributed & {*known}), np.int32),
            StatusColumns.of(
                new,
                miner_id=miners,
                operator_id=20 + miners % 2,
                pool_id=30,
                is_boundary=new == BOUNDARY,
            ),
        )

    def rows(self) -> dict[int, tuple[Any, ...]]:
        return {
            worker: (
                columns.status.item(),
                columns.status_since_s.item(),
                columns.transition_number.item(),
                columns.last_share_s.item(),
                columns.share_interval_s.item(),
                columns.source_id.item(),
                self.totals[worker].tolist(),
            )
            for worker, columns in self.columns.items()
        }


class Leader:
    """Cycles over `Tables` as `Cycle` does over the database."""

    def __init__(self, *, forgets: bool) -> None:
        self.state = FiguresState(WindowGrid(START, 16))
        self.tables = Tables()
        self.forgets = forgets
        self.most = 0

    def cycle(self, rows: list[MinuteRows], target: int, removals: list[int], fails: bool) -> None:
        state, tables = self.state, self.tables
        manual = ManualChanges(removals, self._boundary(target))
        wanted = [part.worker_id for part in rows] + [manual.worker_ids]
        state.add_workers(tables.stored(state.unknown(wanted).tolist()))
        undo = Undo.of(state)
        reading = Reading(target, rows, StoredWorkers.none(), {}, {})
        swept = apply_reading(state, reading, rule=RULE)
        changed = apply_manual_changes(state, manual, to_s=target * 60)
        shown = snapshot(state, undo.columns)
        if fails:
            undo.apply(state)
            return
        columns = state.workers.columns
        for transitions in (swept.transitions, changed):
            tables.events += zip(
                columns.worker_id[transitions.index].tolist(),
                transitions.number.tolist(),
                transitions.from_code.tolist(),
                transitions.to_code.tolist(),
                transitions.at_s.tolist(),
                transitions.cause.tolist(),
                transitions.again.tolist(),
                strict=True,
            )
        new = shown.changed.statuses[shown.changed.is_new]
        for index in shown.changed.figures.tolist():
            worker, row = int(columns.worker_id[index]), StatusColumns.empty(1)
            assert (index in new) == (worker not in tables.columns)
            row.fill(np.array([0]), columns, np.array([index]))
            tables.columns[worker] = row
            tables.totals[worker] = shown.totals[:, :, index : index + 1].copy()
        for place, entity in enumerate(shown.entities.entity_id.tolist()):
            tables.entities[entity] = shown.entities.totals[:, :, place].ravel().tolist()
            tables.counts[entity] = shown.entities.status_counts[:, place].tolist()
        state.published = shown.totals
        self._note_attributed()
        if self.forgets:
            state.forget_workers()
        self.most = max(self.most, state.workers.count)

    def _boundary(self, target: int) -> list[BoundaryChange]:
        """It is there from the second hour on, and disconnected after three."""
        if target < START + 60:
            return []
        ended_s = (START + 180) * 60
        row = self.tables.columns.get(BOUNDARY)
        number = 0 if row is None else row.transition_number.item()
        if number == 0 or (number == 1 and target * 60 >= ended_s):
            return [BoundaryChange(BOUNDARY, (START + 60) * 60, ended_s)]
        return []

    def _note_attributed(self) -> None:
        known = np.array([*self.tables.columns], np.int32)
        known = known[self.state.workers.find(known) >= 0]
        flags = self.state.memory.attributed.read(self.state.indices_of(known))
        self.tables.attributed -= {*known.tolist()}
        self.tables.attributed |= {*known[flags].tolist()}


def minute_of(minute: int, workers: list[int], *, accepts: bool) -> MinuteRows:
    hardware = np.array([worker != BOUNDARY for worker in workers])
    count = np.where(hardware, 3 * accepts, 0)
    return MinuteRows(
        minute,
        np.array(workers, np.int32),
        count.astype(np.int64),
        np.where(accepts, 8.0, 0.0) * np.array(workers),
        np.full(len(workers), 2.0),
        np.where(count > 0, minute * 60 + 30, 0),
        np.array([1 + worker % 2 for worker in workers], np.int32),
    )


@examples(20)
@given(steps)
def test_whoever_is_forgotten_goes_on_where_he_stopped(history: list[Step]) -> None:
    keeps, forgets = Leader(forgets=False), Leader(forgets=True)
    target, carried = START, list[MinuteRows]()
    # Everybody has a share at first, is removed and is gone from the windows; then what comes.
    first = [(2, [*MINERS], [], False), (15_000, [], [], False)]
    for number, (minutes, workers, removals, fails) in enumerate([*first, *history]):
        target += minutes
        # One in four sends rejected shares only: nobody is stable for that.
        work = [
            minute_of(minute, workers, accepts=number % 4 != 3)
            # The minute in progress before is read again and has no other rows.
            for minute in range(target - (minutes > 1), target + 1)
            if workers
        ]
        for attempt in range(1 + fails):
            for leader in (keeps, forgets):
                leader.cycle([*carried, *work], target, removals, fails and attempt == 0)
        carried = work[-1:]
        assert forgets.tables.rows() == keeps.tables.rows()
        assert forgets.tables.counts == keeps.tables.counts
        assert forgets.tables.entities.keys() == keeps.tables.entities.keys()
        for entity, totals in keeps.tables.entities.items():
            # Sums of parts of a bucket depend on their order.
            assert forgets.tables.entities[entity] == pytest.approx(totals, rel=1e-12)
        # Several of one instant have no order among them.
        assert sorted(forgets.tables.events) == sorted(keeps.tables.events)
        forgotten = int(forgets.state.forgotten.workers.sum())
        assert forgets.state.workers.known + forgotten == keeps.state.workers.known
    numbers = [(event[0], event[1]) for event in forgets.tables.events if not event[-1]]
    assert sorted(numbers) == sorted(set(numbers))
    for worker, number in numbers:
        assert number == 1 or (worker, number - 1) in numbers


def test_indices_are_given_to_others() -> None:
    leader, target = Leader(forgets=True), START
    for round_ in range(40):
        target += 12_000
        workers = [1 + (3 * round_ + place) % 12 for place in range(3)]
        leader.cycle([minute_of(target - 1, workers, accepts=True)], target, [], False)
    assert len(leader.tables.columns) == 12
    # Three that work, and three whose removal the next cycle finds.
    assert leader.most <= 2 * 3 + 1
