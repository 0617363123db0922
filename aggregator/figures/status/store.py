"""Statuses and the database: the outbox, manual removals, and what the next leader must know.

What writes runs in the leader's transaction and commits nothing; what is long is staged before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.forgotten import ForgottenWorkers
from aggregator.figures.status.memory import SweepState
from aggregator.figures.status.sources import SourceEvent, SourceState
from aggregator.figures.status.sweep import SweepResult
from aggregator.figures.status.transitions import Transitions
from aggregator.figures.worker_arrays import NOT_SEEN, StatusColumns
from aggregator.postgres.binary_copy import send_copy
from aggregator.postgres.int4_array import Int4Array
from schemas.runtime.arrays import distinct
from schemas.runtime.metrics import counter, gauge
from schemas.runtime.named_sql import load
from schemas.worker import (
    CAUSE_CODES,
    EVENT_NAMESPACE,
    STATUS_CODES,
    Cause,
    EventKind,
    event_ids,
    still_silent_id,
)

_SQL: Final = load("aggregator.figures", "sql/transitions.sql")

_STATUSES: Final = [status.value for status in STATUS_CODES]
_CAUSES: Final = [cause.value for cause in CAUSE_CODES]
_CHANGED: Final = EventKind.STATUS_CHANGED.value
_AGAIN: Final = EventKind.STILL_SILENT.value
# 65,536 transitions take half a second and 8 MB.
_PIECE: Final = 65_536
_PACKED_UIDS: Final = np.dtype([("worker_id", ">i4"), ("uid", "V16")])
_STAGED_TYPES: Final = (
    *(">i8", "V16", ">i2", ">i8"),
    *(">i4", ">i4", ">i4", ">i4", ">i2", ">i2", ">i2"),
)
_SOURCE_CAUSES: Final = {
    EventKind.SOURCE_SILENT: Cause.SILENCE,
    EventKind.SOURCE_BACK: Cause.SHARE,
}

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class BoundaryChange:
    """A boundary worker whose status lags behind its schedule; None: not disconnected."""

    worker_id: int
    created_s: int
    disconnected_s: int | None


async def stage_transitions(
    connection: Connection, columns: StatusColumns, parts: Sequence[Transitions]
) -> int:
    """Send the events of transitions into a temporary table; needs no lease and takes no lock.

    Returns how many there are.

    In bounded pieces, with the ids made in a thread: a pool of 1,000,000 workers that falls silent
    in one minute must hold up neither the renewal of the lease nor intake's heartbeats.
    """
    await connection.execute(_SQL["empty_stage"])
    count = 0
    for transitions in parts:
        for start in range(0, len(transitions), _PIECE):
            piece = transitions.part(slice(start, start + _PIECE))
            known = await _uids(connection, columns.worker_id[piece.index])
            # A worker that somebody has deleted by SQL has no events any more.
            piece = piece.part(np.isin(columns.worker_id[piece.index], known["worker_id"]))
            worker_ids = columns.worker_id[piece.index]
            uids = known["uid"][np.searchsorted(known["worker_id"], worker_ids)]
            event_ids = await asyncio.to_thread(_event_ids, uids, piece)
            staged = {
                "place": np.arange(count + 1, count + 1 + len(piece)),
                "event_id": event_ids,
                "again": piece.again.astype(np.int16),
                "at_s": piece.at_s,
                "miner_id": columns.miner_id[piece.index],
                "worker_id": worker_ids,
                "source_id": piece.source_id,
                "number": piece.number,
                "from_code": piece.from_code.astype(np.int16),
                "to_code": piece.to_code.astype(np.int16),
                "cause_code": piece.cause.astype(np.int16),
            }
            await send_copy(connection, _SQL["stage"], staged, _STAGED_TYPES)
            count += len(piece)
    return count


async def append_events(
    connection: Connection, sources: Sequence[SourceEvent], *, staged: int
) -> None:
    """Into the outbox, numbered, in the leader's transaction: sources before the staged
    transitions, so that the reason is published first.

    The last step of it: until the commit nobody else numbers events.
    """
    if not staged and not sources:
        return
    cursor = await connection.execute(_SQL["take_sequences"], {"count": len(sources) + staged})
    row = await cursor.fetchone()
    assert row is not None
    await _append_source_events(connection, sources, after=row[0])
    await connection.execute(
        _SQL["append_transitions"],
        {
            "after": row[0] + len(sources),
            "changed": _CHANGED,
            "again": _AGAIN,
            "statuses": _STATUSES,
            "causes": _CAUSES,
        },
    )


async def _uids(connection: Connection, worker_ids: NDArray[np.int32]) -> NDArray[np.void]:
    """The public id of each worker that there is, by ascending worker id."""
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        wanted = Int4Array(distinct(worker_ids))
        await cursor.execute(_SQL["worker_uids"], {"worker_ids": wanted})
        row = await cursor.fetchone()
    return np.frombuffer((row and row[0]) or b"", _PACKED_UIDS)


def _event_ids(uids: NDArray[np.void], piece: Transitions) -> NDArray[np.void]:
    """Each made from its worker and number, so that a repeated cycle gives the same."""
    numbers = piece.number.tolist()
    ids = event_ids(uids.tobytes(), numbers)
    for place in np.flatnonzero(piece.again).tolist():
        still_silent = still_silent_id(UUID(bytes=uids[place].tobytes()), numbers[place])
        ids[place] = np.frombuffer(still_silent.bytes, "V16")[0]
    return ids


async def _append_source_events(
    connection: Connection, events: Sequence[SourceEvent], *, after: int
) -> None:
    """`source-silent` and `source-back`."""
    if not events:
        return
    await connection.execute(
        _SQL["append_source_events"],
        {
            "after": after,
            "event_ids": [_source_event_id(event) for event in events],
            "kinds": [event.kind.value for event in events],
            "at_s": [event.at_s for event in events],
            "source_ids": [event.source_id for event in events],
            "causes": [_SOURCE_CAUSES[event.kind].value for event in events],
            "workers": [event.workers for event in events],
        },
    )


async def boundary_changes(connection: Connection) -> list[BoundaryChange]:
    cursor = await connection.execute(_SQL["boundary_changes"])
    return [BoundaryChange(*row) for row in await cursor.fetchall()]


async def load_state(connection: Connection) -> SweepState:
    """What the last leader stored; of a new database: nothing swept, no source known."""
    cursor = await connection.execute(_SQL["sweep_state"])
    judged_to_s, resumed_s = await cursor.fetchone() or (None, None)
    cursor = await connection.execute(_SQL["source_states"])
    sources = tuple(SourceState(*row) for row in await cursor.fetchall())
    return SweepState(judged_to_s, resumed_s or 0, sources)


async def attributed_workers(
    connection: Connection, worker_ids: NDArray[np.int32] | None = None
) -> list[int]:
    """Ids of workers whose silence is laid to their source: of all, or of some."""
    chosen = "" if worker_ids is None else "and worker_id = any(%(worker_ids)s::int4[])"
    sql = _SQL["attributed_workers"].format(chosen=chosen)
    parameters = {} if worker_ids is None else {"worker_ids": Int4Array(worker_ids)}
    cursor = await connection.execute(sql, parameters)
    return [worker_id for (worker_id,) in await cursor.fetchall()]


async def save_state(connection: Connection, state: SweepState) -> None:
    await connection.execute(
        _SQL["save_sweep"], {"judged_to_s": state.judged_to_s, "resumed_s": state.resumed_s}
    )
    if not state.sources:
        return
    await connection.execute(
        _SQL["save_sources"],
        {
            "source_ids": [source.source_id for source in state.sources],
            "last_share_s": [source.last_share_s for source in state.sources],
            "interval_s": [source.share_interval_s for source in state.sources],
            "silent_since_s": [source.silent_since_s for source in state.sources],
            "workers": [source.workers for source in state.sources],
            "back_s": [source.back_s for source in state.sources],
        },
    )


def observe(
    columns: StatusColumns,
    forgotten: ForgottenWorkers,
    result: SweepResult,
    manual: Transitions,
) -> None:
    """Metrics of one cycle, after its transaction: a rolled back one changed nothing."""
    hardware = ~columns.is_boundary & (columns.status != NOT_SEEN)
    workers = np.bincount(columns.status[hardware], minlength=len(STATUS_CODES))
    workers += forgotten.hardware_by_status()
    for status, count in zip(STATUS_CODES, workers.tolist(), strict=True):
        gauge("workers").labels(status=status.value).set(count)
    changed = counter("transitions_total")
    for transitions in (result.transitions, manual):
        changes = ~transitions.again
        pairs = np.stack([transitions.to_code[changes], transitions.cause[changes]])
        (to_codes, causes), counts = np.unique(pairs, axis=1, return_counts=True)
        for to_code, cause, count in zip(to_codes, causes, counts.tolist(), strict=True):
            labels = {"status": STATUS_CODES[to_code].value, "cause": CAUSE_CODES[cause].value}
            changed.labels(**labels).inc(count)
    for event in result.sources:
        counter("source_events_total").labels(kind=event.kind.value).inc()


def _source_event_id(event: SourceEvent) -> UUID:
    """A source has no uid; its kind of event and instant name it for good."""
    return uuid5(EVENT_NAMESPACE, f"source:{event.source_id}:{event.kind}:{event.at_s}")
