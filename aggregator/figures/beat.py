"""One beat of the leader: merge, read, compute, stage, write.

    merge     flushed rows and boundary workers' nominal work become worker minutes
    read      one snapshot (repeatable read, no lock): stream time, touched minutes, their rows
    compute   numpy, in a thread; no transaction is open
    stage     COPY into temporary tables; no lock is held
    write     one transaction under the lease: entity minutes, rollups, statuses, events,
              figures, the touched minutes taken, `leader`

The lease's row is locked in the last step only, which waits for the database alone: a process that
is stopped anywhere holds up its successor for the database's idle-in-transaction limit at most. If
the write fails, touched minutes are still listed and the next beat reads and replaces the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.figures import current, status_store
from aggregator.figures.boundary import write_boundary_minutes
from aggregator.figures.by_hand import ByHand, carry_out, read_by_hand, take_by_hand
from aggregator.figures.config import FiguresConfig
from aggregator.figures.current import Snapshot
from aggregator.figures.entities import write_entity_minutes
from aggregator.figures.lease import Lease, LeaseLostError
from aggregator.figures.merge import merge_flushed
from aggregator.figures.minutes_reader import (
    TouchedMinute,
    WorkerSums,
    read_minutes,
    read_position,
    read_span,
    read_touched,
    read_workers,
)
from aggregator.figures.moves import Moves, follow, read_moves, stage_own_minutes
from aggregator.figures.rollups import RollupStore, Touched
from aggregator.figures.state import FiguresState, Reading, Undo, snapshot, take_in
from aggregator.figures.sweep import SweepResult, SweepRule
from aggregator.figures.transitions import Transitions
from aggregator.figures.windows import DAY_BUCKET_MIN, WEEK_BUCKET_MIN
from schemas.named_sql import load
from schemas.windows import MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/beat.sql")


class WindowsAheadError(Exception):
    """Beats that failed moved the windows on further than one beat can make up for: start afresh
    from the database."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a beat has read: the state's part, and what the write has to settle."""

    reading: Reading
    stream_s: float
    complete: list[TouchedMinute]
    by_hand: ByHand
    moves: Moves
    behind: bool
    """Some touched minutes were left for the next beat."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a beat has computed."""

    sweep: SweepResult
    by_hand: Transitions
    snapshot: Snapshot
    undo: Undo


@dataclass(frozen=True, slots=True)
class BeatReport:
    """What a beat did. `behind`: there is more to take in at once."""

    complete_to: int
    stream_s: float
    minutes: int
    rows_read: int
    rows_written: int
    behind: bool


class Beat:
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

    async def run(self, state: FiguresState) -> BeatReport | None:
        """None while there is no stream time. LeaseLostError where another one leads.

        After WindowsAheadError `state` is of no use any more.
        """
        position = await read_position(self._connection)
        if position.stream_s is None:
            return None
        minute = int(position.stream_s) // MINUTE_S
        await merge_flushed(
            self._connection,
            self._lease,
            late_before=minute - self._config.late_after_min,
            before=None if state.slots.count <= self._config.merge_at_once_workers else minute,
        )
        await write_boundary_minutes(
            self._connection,
            self._lease,
            complete_to=minute,
            rows_per_chunk=self._config.boundary_rows_per_chunk,
        )
        taken = await self._read(state, position.stream_s)
        found = await asyncio.to_thread(self._compute, state, taken)
        try:
            await current.stage(self._connection, state.slots.columns, found.snapshot)
            await self._write(state, taken, found)
        except BaseException:
            # Also when cancelled: statuses must not run ahead of the events that tell of them.
            found.undo.apply(state)
            raise
        state.published = found.snapshot.totals
        status_store.observe(state.slots.columns, found.sweep, found.by_hand)
        return self._report(taken, found)

    async def _read(self, state: FiguresState, stream_s: float) -> Taken:
        """`stream_s` was read before the merge: every flush up to it is in this snapshot."""
        connection = self._connection
        async with connection.transaction():
            await connection.execute(_SQL["read_snapshot"])
            position = await read_position(connection)
            if position.epoch != self._lease.epoch:
                raise LeaseLostError
            touched = await read_touched(connection, stream_s)
            target = max(int(stream_s) // MINUTE_S, state.grid.complete_to)
            chosen, target = self._within_budget(touched, target, state)
            rows = await read_minutes(connection, chosen)
            day_sums, week_sums = await _coarse_sums(connection, state, chosen)
            seen = [part.worker_id for part in rows]
            seen += [part.worker_id for part in (*day_sums.values(), *week_sums.values())]
            new_workers = await read_workers(connection, state.unknown(seen))
            by_hand = await read_by_hand(connection)
            moves = await read_moves(connection)
        reading = Reading(target, rows, new_workers, day_sums, week_sums, position.outages)
        complete = [minute for minute in chosen if minute.minute < target]
        # A beat that leaves minutes for the next one speaks for the time before them only.
        as_of_s = stream_s if target == int(stream_s) // MINUTE_S else float(target * MINUTE_S)
        return Taken(reading, as_of_s, complete, by_hand, moves, behind=len(chosen) < len(touched))

    def _within_budget(
        self, touched: list[TouchedMinute], target: int, state: FiguresState
    ) -> tuple[list[TouchedMinute], int]:
        """The minutes that fit into one beat, ascending, and how far they complete the stream.

        Fresh ones first, the oldest of them: were late ones first, the log of a day that one server
        sends afterwards would hold up everybody's figures. One late minute has a place always.
        Fresh is what statuses were not told of yet: without it, silence could not be judged.
        """
        limit = max(2, self._config.rows_per_beat // max(1, state.slots.count))
        late = [minute for minute in touched if minute.minute < state.told_to]
        fresh = touched[len(late) :]
        if len(fresh) > limit:
            target = min(target, fresh[limit].minute)
            if target < state.grid.complete_to:
                raise WindowsAheadError
        fresh = fresh[:limit]
        return late[: max(1, limit - len(fresh))] + fresh, target

    def _compute(self, state: FiguresState, taken: Taken) -> Found:
        undo = Undo.of(state)
        try:
            swept = take_in(state, taken.reading, rule=self._rule)
            by_hand = carry_out(state, taken.by_hand, to_s=int(taken.stream_s))
            follow(state.slots.columns, taken.moves)
            return Found(swept, by_hand, snapshot(state, undo.columns), undo)
        except BaseException:
            undo.apply(state)
            raise

    async def _write(self, state: FiguresState, taken: Taken, found: Found) -> None:
        connection, columns = self._connection, state.slots.columns
        async with connection.transaction():
            await self._lease.fence(connection)
            minutes = [minute.minute for minute in taken.complete]
            if minutes:
                ids = [row_id for minute in taken.complete for row_id in minute.ids]
                await connection.execute(_SQL["delete_touched"], {"ids": ids})
                await write_entity_minutes(connection, minutes)
                await self._rollups.refresh(connection, _as_rollups_want(taken.complete))
            await status_store.store_result(connection, columns, found.sweep)
            await status_store.store_transitions(connection, columns, found.by_hand)
            await take_by_hand(connection, taken.by_hand)
            await status_store.save_state(connection, state.memory.state())
            await stage_own_minutes(connection, taken.moves, complete_to=state.grid.complete_to)
            await current.write(connection)
            await connection.execute(
                _SQL["finish"],
                {
                    "stream_s": taken.stream_s,
                    "complete_to_s": taken.reading.target * MINUTE_S,
                },
            )

    def _report(self, taken: Taken, found: Found) -> BeatReport:
        return BeatReport(
            complete_to=taken.reading.target,
            stream_s=taken.stream_s,
            minutes=len(taken.complete),
            rows_read=sum(len(rows.worker_id) for rows in taken.reading.rows),
            rows_written=len(found.snapshot.changed),
            behind=taken.behind,
        )


def _as_rollups_want(touched: list[TouchedMinute]) -> list[Touched]:
    return [Touched(minute.minute * MINUTE_S, minute.worker_ids) for minute in touched]


async def _coarse_sums(
    connection: AsyncConnection[Any], state: FiguresState, touched: list[TouchedMinute]
) -> tuple[dict[int, WorkerSums], dict[int, WorkerSums]]:
    """Sums of the buckets that late minutes changed and that the rings can't make anew."""
    grid = state.grid
    day: dict[int, set[int] | None] = {}
    week: dict[int, set[int] | None] = {}
    for minute in touched:
        if minute.minute >= grid.complete_to:
            break
        for found, bucket in zip((day, week), grid.beyond_rings(minute.minute), strict=True):
            if bucket is not None:
                found[bucket] = _joined(found.get(bucket, set()), minute.worker_ids)
    return (
        await _sums(connection, day, DAY_BUCKET_MIN),
        await _sums(connection, week, WEEK_BUCKET_MIN),
    )


def _joined(known: set[int] | None, worker_ids: tuple[int, ...] | None) -> set[int] | None:
    return None if known is None or worker_ids is None else known | set(worker_ids)


async def _sums(
    connection: AsyncConnection[Any], buckets: dict[int, set[int] | None], width: int
) -> dict[int, WorkerSums]:
    return {
        bucket: await read_span(
            connection,
            bucket * width,
            (bucket + 1) * width,
            worker_ids=None if workers is None else sorted(workers),
        )
        for bucket, workers in buckets.items()
    }
