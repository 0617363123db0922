"""What the leader holds in memory, and how one cycle's reading moves it on: pure, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.forgotten import ForgottenWorkers, may_be_forgotten
from aggregator.figures.minutes.reader import MinuteRows, WorkerSums
from aggregator.figures.publish.entity_totals import entity_figures
from aggregator.figures.publish.snapshot import Snapshot, changes
from aggregator.figures.status.memory import Rows, SweepMemory
from aggregator.figures.status.rule import OutageSpan
from aggregator.figures.status.sweep import SweepResult, SweepRule, sweep
from aggregator.figures.stored_workers import StoredFigures, StoredWorkers
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.worker_arrays import (
    NONE_ID,
    Indices,
    StatusColumns,
    WorkerBackup,
    WorkerTable,
)
from schemas.runtime.arrays import distinct
from schemas.windows import MINUTE_S, WINDOWS


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cycle read. `target` is the minute up to which the stream is complete with it."""

    target: int
    rows: list[MinuteRows]
    """By minute, ascending; none after `target`, the minute in progress."""
    found: StoredWorkers
    """Workers without an index: new ones, and those that were forgotten."""
    day_sums: dict[int, WorkerSums]
    week_sums: dict[int, WorkerSums]
    """Coarse buckets that can't be summed from the rings, by bucket."""
    outages: list[OutageSpan] = field(default_factory=list)
    """Those that intake has seen, taken up before or not."""
    statuses_wait: bool = False
    """Old shares are still coming in: nobody is judged silent."""


@dataclass(slots=True)
class FiguresState:
    """Columns, windows and statuses of all workers.

    Not thread-safe: the leader's task owns it. The windows may be ahead of the database after a
    cycle that failed (the next one reads the same minutes again); statuses never are, see `undo`.
    """

    grid: WindowGrid
    workers: WorkerTable = field(default_factory=WorkerTable)
    memory: SweepMemory = field(default_factory=SweepMemory.new)
    published: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((len(WINDOWS), 2, 0), np.float64)
    )
    """float64[windows, 2, workers]: the totals in `worker_figures`; NaN: it has no row yet."""
    forgotten: ForgottenWorkers = field(default_factory=ForgottenWorkers)
    backup: WorkerBackup = field(default_factory=WorkerBackup)

    @property
    def judged_to(self) -> int:
        """The minute up to which silence is judged; a failed cycle leaves windows ahead of it."""
        judged_to_s = self.memory.judged_to_s
        return self.grid.watermark if judged_to_s is None else judged_to_s // MINUTE_S

    def restore(self, figures: StoredFigures) -> None:
        """Workers of a leader before this one, as it left them; some are counted only."""
        columns = figures.columns
        rest = may_be_forgotten(columns.status, columns.is_boundary, figures.totals)
        self.forgotten.count(columns, np.flatnonzero(rest))
        self._add_stored(figures, np.flatnonzero(~rest))

    def add_workers(self, found: StoredWorkers) -> None:
        """Workers that have no index; those who were forgotten go on where they stopped."""
        for figures in found.figures:
            everyone = np.arange(len(figures.columns.worker_id))
            self.forgotten.count(figures.columns, everyone, by=-1)
            self._add_stored(figures, everyone)
        indices = self.workers.add(found.new)
        self._reserve()
        self.published[:, :, indices] = np.nan
        self.memory.attributed.write(self.indices_of(found.attributed), attributed=True)

    def forget_workers(self) -> None:
        """Give up the indices of whom nothing is left to compute. After a cycle that was written:
        what the database has of them is what is read if they come back."""
        columns = self.workers.columns
        rest = may_be_forgotten(columns.status, columns.is_boundary, self.published)
        indices = np.flatnonzero(rest & (columns.worker_id != NONE_ID))
        indices = indices[~self.grid.in_progress(indices).any(axis=0)]
        self.forgotten.count(columns, indices)
        self.memory.attributed.write(indices, attributed=False)
        self.workers.forget(indices)

    def _add_stored(self, figures: StoredFigures, chosen: Indices) -> None:
        indices = self.workers.add_ids(figures.columns.worker_id[chosen])
        self.workers.columns.fill(indices, figures.columns, chosen)
        self._reserve()
        self.published[:, :, indices] = figures.totals[:, :, chosen]

    def _reserve(self) -> None:
        self.grid.reserve(self.workers.count)
        missing = self.workers.count - self.published.shape[2]
        if missing > 0:
            self.published = np.pad(self.published, ((0, 0), (0, 0), (0, missing)))

    def unknown(self, worker_ids: list[NDArray[np.int32]]) -> NDArray[np.int32]:
        """Those without an index, each once."""
        missing = [ids[self.workers.find(ids) < 0] for ids in worker_ids]
        return distinct(np.concatenate(missing)) if missing else np.empty(0, np.int32)

    def indices_of(self, worker_ids: NDArray[np.int32]) -> Indices:
        return self.workers.find(worker_ids).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Undo:
    """Statuses and all that they are judged by, as before a cycle; good until the next one."""

    columns: StatusColumns
    counts: NDArray[np.uint16]
    memory: SweepMemory

    @classmethod
    def of(cls, state: FiguresState) -> Undo:
        return cls(*state.backup.take(state.workers), state.memory.copy())

    def apply(self, state: FiguresState) -> None:
        """Workers that the cycle has found were added before, and keep their indices."""
        state.workers.columns.restore(self.columns)
        state.workers.counts[:] = self.counts
        state.memory = self.memory


def apply_reading(state: FiguresState, reading: Reading, *, rule: SweepRule) -> SweepResult:
    """Move windows and statuses on to `reading.target`, minute by minute in the stream's order.

    Whom it concerns was added before.
    """
    _advance(state, reading)
    return sweep(
        state.memory,
        state.workers.columns,
        state.workers.counts,
        rows=share_rows(state, reading.rows),
        to_s=reading.target * MINUTE_S,
        rule=rule,
        outages=reading.outages,
        wait=reading.statuses_wait,
    )


def snapshot(state: FiguresState, columns_before: StatusColumns) -> Snapshot:
    """What to publish now."""
    columns = state.workers.columns
    totals = state.grid.totals(state.workers.count)
    changed = changes(columns, totals, published=state.published, columns_before=columns_before)
    return Snapshot(totals, changed, entity_figures(columns, totals, state.forgotten))


def _advance(state: FiguresState, reading: Reading) -> None:
    """Late minutes first, while their buckets are where `reading` was made for."""
    grid = state.grid
    late = [rows for rows in reading.rows if rows.minute < grid.watermark]
    for rows in late:
        grid.replace(rows.minute, state.indices_of(rows.worker_id), rows.accepted, rows.rejected)
    for bucket, sums in reading.day_sums.items():
        grid.put_day(bucket, state.indices_of(sums.worker_id), sums.sums)
    for bucket, sums in reading.week_sums.items():
        grid.put_week(bucket, state.indices_of(sums.worker_id), sums.sums)
    for rows in reading.rows[len(late) :]:
        grid.advance(rows.minute)
        grid.replace(rows.minute, state.indices_of(rows.worker_id), rows.accepted, rows.rejected)
    grid.advance(reading.target)


def share_rows(state: FiguresState, rows: list[MinuteRows]) -> Rows:
    """All rows as the columns that the status sweep takes."""
    if not rows:
        return Rows.none()
    return Rows(
        np.concatenate([np.full(len(part.worker_id), part.minute * MINUTE_S) for part in rows]),
        np.concatenate([state.indices_of(part.worker_id) for part in rows]),
        np.concatenate([part.accepted_count for part in rows]),
        np.concatenate([part.last_share_s for part in rows]),
        np.concatenate([part.source_id for part in rows]),
    )
