"""One cycle of the leader: merge, read, compute, stage, write.

    merge     flushed rows and boundary workers' nominal work become worker minutes
    read      one snapshot (repeatable read, no lock): stream time, dirty minutes, their rows
    compute   numpy, in a thread; no transaction is open
    stage     COPY into temporary tables; no lock is held
    write     one transaction under the lease: entity minutes, rollups, the dirty minutes taken,
              `leader`, statuses, figures, and last the events with their numbers

The lease's row is locked in the last step only, which waits for the database alone: a process that
is stopped anywhere holds up its successor for the database's idle-in-transaction limit at most. If
the write fails, dirty minutes are still listed and the next cycle reads and replaces the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from aggregator.figures.boundary.minutes import write_boundary_minutes
from aggregator.figures.config import FiguresConfig
from aggregator.figures.minutes.coarse_sums import coarse_sums
from aggregator.figures.minutes.entity_minutes import (
    EntityMinutes,
    entity_minutes,
    stage_entity_minutes,
    write_entity_minutes,
    write_staged_minutes,
)
from aggregator.figures.minutes.flushed import FoldedMinutes
from aggregator.figures.minutes.merge import merge_flushed
from aggregator.figures.minutes.reader import (
    DirtyMinute,
    StreamPosition,
    read_dirty,
    read_minutes,
    read_position,
)
from aggregator.figures.publish import snapshot as published
from aggregator.figures.publish.reassignments import (
    Reassignments,
    read_reassignments,
    reassign,
    stage_own_minutes,
)
from aggregator.figures.publish.snapshot import Snapshot
from aggregator.figures.ring_buckets import drop_changed
from aggregator.figures.rollups.store import Dirty, RollupStore
from aggregator.figures.state import FiguresState, Reading, Undo, apply_reading, snapshot
from aggregator.figures.status import store as status_store
from aggregator.figures.status.manual import (
    ManualChanges,
    apply_manual_changes,
    clear_manual_changes,
    read_manual_changes,
)
from aggregator.figures.status.sweep import SweepResult, SweepRule
from aggregator.figures.status.transitions import Transitions
from aggregator.figures.stored_workers import read_stored_workers
from aggregator.postgres.lease import Lease, LeaseLostError
from schemas.runtime.metrics import gauge
from schemas.runtime.named_sql import load
from schemas.windows import MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/cycle.sql")


class WindowsAheadError(Exception):
    """Cycles that failed moved the windows on further than one cycle can make up for: start afresh
    from the database."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a cycle has read: the state's part, and what the write completes."""

    reading: Reading
    as_of_s: float
    complete: list[DirtyMinute]
    written_now: dict[int, FoldedMinutes]
    """Complete minutes whose rows are all in memory, and whose miners have the pools of now."""
    manual_changes: ManualChanges
    reassignments: Reassignments
    more_to_read: bool
    """Some dirty minutes were left for the next cycle."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a cycle has computed."""

    sweep: SweepResult
    manual: Transitions
    snapshot: Snapshot
    entity_minutes: list[EntityMinutes]
    undo: Undo


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What a cycle did. `more_to_read`: the next one is due at once."""

    watermark: int
    stream_s: float
    minutes: int
    rows_read: int
    rows_written: int
    more_to_read: bool


class Cycle:
    """The leader's step. Owned by one task, on one connection in autocommit mode."""

    def __init__(
        self,
        connection: AsyncConnection[Any],
        *,
        lease: Lease,
        rollups: RollupStore,
        config: FiguresConfig,
    ) -> None:
        self._connection = connection
        self._lease = lease
        self._rollups = rollups
        self._config = config
        gap_s = 0 if config.clock == "records" else config.outage_gap_s
        self._rule = SweepRule(config.status, outage_gap_s=gap_s)

    async def run(self, state: FiguresState) -> CycleReport | None:
        """None while there is no stream time. LeaseLostError if another process leads.

        After WindowsAheadError `state` is of no use any more.
        """
        position = await read_position(self._connection)
        if position.stream_s is None:
            return None
        minute = int(position.stream_s) // MINUTE_S
        merged = await merge_flushed(
            self._connection,
            self._lease,
            late_before=minute - self._config.late_after_min,
            before=minute if self._waits_for_minute(state, position) else None,
        )
        await write_boundary_minutes(
            self._connection,
            self._lease,
            watermark=minute,
            rows_per_chunk=self._config.boundary_rows_per_chunk,
        )
        taken = await self._read(state, position.stream_s, merged.first_written)
        found = await asyncio.to_thread(self._compute, state, taken)
        try:
            await published.stage(self._connection, state.workers.columns, found.snapshot)
            await stage_entity_minutes(self._connection, found.entity_minutes)
            staged_events = await status_store.stage_transitions(
                self._connection,
                state.workers.columns,
                [found.sweep.transitions, found.manual],
            )
            await self._write(state, taken, found, staged_events)
        except BaseException:
            # Also when cancelled: statuses must not run ahead of their events.
            found.undo.apply(state)
            raise
        state.published = found.snapshot.totals
        status_store.observe(state.workers.columns, state.forgotten, found.sweep, found.manual)
        state.forget_workers()
        gauge("sources_silent").set(state.memory.sources.silent_count())
        return self._report(taken, found)

    def _waits_for_minute(self, state: FiguresState, position: StreamPosition) -> bool:
        """There are too many workers to merge the minute in progress: the leader's, and those that
        intake has made since, who may be all."""
        newest_known = int(state.workers.columns.worker_id.max(initial=0))
        new = max(0, position.newest_worker_id - newest_known)
        return state.workers.count + new > self._config.merge_at_once_workers

    async def _read(
        self, state: FiguresState, stream_s: float, first_written: dict[int, FoldedMinutes]
    ) -> Taken:
        """`stream_s` was read before the merge: every flush up to it is in this snapshot."""
        connection = self._connection
        async with connection.transaction():
            await connection.execute(_SQL["read_snapshot"])
            position = await read_position(connection)
            if position.epoch != self._lease.epoch:
                raise LeaseLostError
            dirty = await read_dirty(connection, stream_s)
            target = max(int(stream_s) // MINUTE_S, state.grid.watermark)
            chosen, target = self._within_budget(dirty, target, state)
            rows = await read_minutes(connection, chosen, first_written=first_written)
            day_sums, week_sums = await coarse_sums(
                connection, state.grid, chosen, workers=state.workers.count
            )
            seen = [part.worker_id for part in rows]
            seen += [part.worker_id for part in (*day_sums.values(), *week_sums.values())]
            # A cycle that leaves minutes for the next one speaks for the time before them only.
            as_of_s = stream_s if target == int(stream_s) // MINUTE_S else float(target * MINUTE_S)
            manual_changes = await read_manual_changes(connection, to_s=int(as_of_s))
            seen.append(manual_changes.worker_ids)
            unknown = state.unknown(seen)
            found = await read_stored_workers(connection, unknown)
            gone = found.gone(unknown)
            reassignments = await read_reassignments(connection)
        reading = Reading(
            target,
            [part.without(gone) for part in rows],
            found,
            {bucket: sums.without(gone) for bucket, sums in day_sums.items()},
            {bucket: sums.without(gone) for bucket, sums in week_sums.items()},
            position.outages,
            position.statuses_wait,
        )
        complete = [minute for minute in chosen if minute.minute < target]
        written_now = {
            minute.minute: first_written[minute.minute]
            for minute in complete
            if not minute.also
            and minute.worker_ids is None
            and minute.minute in first_written
            and minute.minute >= reassignments.pools_since
            and not np.isin(first_written[minute.minute].worker_id, gone).any()
        }
        return Taken(
            reading,
            as_of_s,
            complete,
            written_now,
            manual_changes,
            reassignments,
            more_to_read=len(chosen) < len(dirty),
        )

    def _within_budget(
        self, dirty: list[DirtyMinute], target: int, state: FiguresState
    ) -> tuple[list[DirtyMinute], int]:
        """The minutes that fit into one cycle, ascending, and how far they complete the stream.

        New minutes come first, oldest first: with late ones first, the log of a day that one server
        sends afterwards would hold up everybody's figures. One late minute always has a place.
        New is what statuses have not judged yet: without it, silence could not be judged.
        """
        limit = max(2, self._config.rows_per_cycle // max(1, state.workers.count))
        late = [minute for minute in dirty if minute.minute < state.judged_to]
        fresh = dirty[len(late) :]
        if len(fresh) > limit:
            target = min(target, fresh[limit].minute)
            if target < state.grid.watermark:
                raise WindowsAheadError
        fresh = fresh[:limit]
        return late[: max(1, limit - len(fresh))] + fresh, target

    def _compute(self, state: FiguresState, taken: Taken) -> Found:
        state.add_workers(taken.reading.found)
        undo = Undo.of(state)
        try:
            swept = apply_reading(state, taken.reading, rule=self._rule)
            manual = apply_manual_changes(state, taken.manual_changes, to_s=int(taken.as_of_s))
            reassign(state.workers.columns, taken.reassignments)
            reassign(state.forgotten.columns, taken.reassignments)
            minutes = [
                _entity_minutes(state, minute, rows) for minute, rows in taken.written_now.items()
            ]
            return Found(swept, manual, snapshot(state, undo.columns), minutes, undo)
        except BaseException:
            undo.apply(state)
            raise

    async def _write(
        self, state: FiguresState, taken: Taken, found: Found, staged_events: int
    ) -> None:
        connection = self._connection
        async with connection.transaction():
            await self._lease.fence(connection)
            minutes = [minute.minute for minute in taken.complete]
            if minutes:
                ids = [row_id for minute in taken.complete for row_id in minute.ids]
                await connection.execute(_SQL["delete_dirty"], {"ids": ids})
                await drop_changed(connection, minutes)
                await write_staged_minutes(connection)
                await write_entity_minutes(connection, set(minutes) - set(taken.written_now))
                await self._rollups.refresh(connection, _as_rollups_want(taken.complete))
            await clear_manual_changes(connection, taken.manual_changes)
            await status_store.save_state(connection, state.memory.state())
            # First, since rollups end at the watermark, and owners' windows are read from them.
            await connection.execute(
                _SQL["finish"],
                {
                    "stream_s": taken.as_of_s,
                    "watermark_s": taken.reading.target * MINUTE_S,
                },
            )
            await stage_own_minutes(connection, taken.reassignments, watermark=state.grid.watermark)
            await published.write(connection)
            await status_store.append_events(connection, found.sweep.sources, staged=staged_events)

    def _report(self, taken: Taken, found: Found) -> CycleReport:
        return CycleReport(
            watermark=taken.reading.target,
            stream_s=taken.as_of_s,
            minutes=len(taken.complete),
            rows_read=sum(len(rows.worker_id) for rows in taken.reading.rows),
            rows_written=len(found.snapshot.changed.figures),
            more_to_read=taken.more_to_read,
        )


def _entity_minutes(state: FiguresState, minute: int, rows: FoldedMinutes) -> EntityMinutes:
    columns, index = state.workers.columns, state.indices_of(rows.worker_id)
    return entity_minutes(
        minute, rows, pool_id=columns.pool_id[index], is_boundary=columns.is_boundary[index]
    )


def _as_rollups_want(dirty: list[DirtyMinute]) -> list[Dirty]:
    return [Dirty(minute.minute * MINUTE_S, minute.worker_ids) for minute in dirty]
