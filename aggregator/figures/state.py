"""What the leader holds in memory, and how one beat's reading moves it on: pure, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.current import Snapshot, changed_slots, shown_status
from aggregator.figures.entities import entity_figures
from aggregator.figures.minutes_reader import MinuteRows, WorkerSums
from aggregator.figures.slots import Slots, SlotTable, StatusColumns, Worker
from aggregator.figures.status import OutageSpan
from aggregator.figures.sweep import SweepResult, SweepRule, sweep
from aggregator.figures.sweep_memory import Rows, SweepMemory
from aggregator.figures.windows import WindowGrid
from schemas.windows import MINUTE_S, WINDOWS


@dataclass(frozen=True, slots=True)
class Reading:
    """What a beat read. `target` is the minute up to which the stream is complete with it."""

    target: int
    rows: list[MinuteRows]
    """By minute, ascending; none after `target`, the minute in progress."""
    new_workers: list[Worker]
    day_sums: dict[int, WorkerSums]
    week_sums: dict[int, WorkerSums]
    """Coarse buckets that can't be summed from the rings, by bucket."""
    outages: list[OutageSpan] = field(default_factory=list)
    """Those that intake has seen, taken up before or not."""


@dataclass(slots=True)
class FiguresState:
    """Columns, windows and statuses of all workers.

    Not thread-safe: the leader's task owns it. The windows may be ahead of the database after a
    beat that failed (the next one reads the same minutes again); statuses never are, see `undo`.
    """

    grid: WindowGrid
    slots: SlotTable = field(default_factory=SlotTable)
    memory: SweepMemory = field(default_factory=SweepMemory.new)
    published: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((len(WINDOWS), 2, 0), np.float64)
    )
    """float64[windows, 2, workers]: the totals in `worker_figures`."""

    @property
    def told_to(self) -> int:
        """The minute up to which silence is judged. Windows are ahead of it after a failed beat."""
        swept_to_s = self.memory.swept_to_s
        return self.grid.complete_to if swept_to_s is None else swept_to_s // MINUTE_S

    def add_workers(self, workers: list[Worker]) -> None:
        new = [worker for worker in workers if self.slots.find(_one(worker.worker_id))[0] < 0]
        self.slots.add(new)
        self.grid.reserve(self.slots.count)

    def unknown(self, worker_ids: list[NDArray[np.int32]]) -> NDArray[np.int32]:
        """Those without a slot, each once."""
        missing = [ids[self.slots.find(ids) < 0] for ids in worker_ids]
        return np.unique(np.concatenate(missing)) if missing else np.empty(0, np.int32)

    def slots_of(self, worker_ids: NDArray[np.int32]) -> Slots:
        return self.slots.find(worker_ids).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Undo:
    """Statuses and all that they are judged by, as before a beat."""

    columns: StatusColumns
    counts: NDArray[np.uint16]
    memory: SweepMemory

    @classmethod
    def of(cls, state: FiguresState) -> Undo:
        return cls(state.slots.columns.copy(), state.slots.counts.copy(), state.memory.copy())

    def apply(self, state: FiguresState) -> None:
        """Workers that the beat has found keep their slots."""
        state.slots.columns.restore(self.columns)
        state.slots.counts[:, : self.counts.shape[1]] = self.counts
        state.slots.blank_from(len(self.columns.worker_id))
        state.memory = self.memory


def take_in(state: FiguresState, reading: Reading, *, rule: SweepRule) -> SweepResult:
    """Move windows and statuses on to `reading.target`, minute by minute in the stream's order."""
    state.add_workers(reading.new_workers)
    _advance(state, reading)
    return sweep(
        state.memory,
        state.slots.columns,
        state.slots.counts,
        rows=share_rows(state, reading.rows),
        to_s=reading.target * MINUTE_S,
        rule=rule,
        outages=reading.outages,
    )


def snapshot(state: FiguresState, columns_before: StatusColumns) -> Snapshot:
    """What to publish now."""
    columns = state.slots.columns
    totals = state.grid.totals(state.slots.count)
    changed = changed_slots(
        columns, totals, published=state.published, columns_before=columns_before
    )
    return Snapshot(totals, changed, entity_figures(columns, totals, shown_status(columns)))


def _advance(state: FiguresState, reading: Reading) -> None:
    """Late minutes first, while their buckets are where `reading` was made for."""
    grid = state.grid
    late = [rows for rows in reading.rows if rows.minute < grid.complete_to]
    for rows in late:
        grid.replace(rows.minute, state.slots_of(rows.worker_id), rows.accepted, rows.rejected)
    for bucket, sums in reading.day_sums.items():
        grid.put_day(bucket, state.slots_of(sums.worker_id), sums.sums)
    for bucket, sums in reading.week_sums.items():
        grid.put_week(bucket, state.slots_of(sums.worker_id), sums.sums)
    for rows in reading.rows[len(late) :]:
        grid.advance(rows.minute)
        grid.replace(rows.minute, state.slots_of(rows.worker_id), rows.accepted, rows.rejected)
    grid.advance(reading.target)


def share_rows(state: FiguresState, rows: list[MinuteRows]) -> Rows:
    """All rows as the columns that the status sweep takes."""
    if not rows:
        return Rows.none()
    return Rows(
        np.concatenate([np.full(len(part.worker_id), part.minute * MINUTE_S) for part in rows]),
        np.concatenate([state.slots_of(part.worker_id) for part in rows]),
        np.concatenate([part.accepted_count for part in rows]),
        np.concatenate([part.last_share_s for part in rows]),
        np.concatenate([part.source_id for part in rows]),
    )


def _one(worker_id: int) -> NDArray[np.int32]:
    return np.array([worker_id], np.int32)
