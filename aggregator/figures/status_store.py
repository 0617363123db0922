"""Statuses and the database: the outbox, removals by hand, and what the next leader must know.

Every function runs in the leader's transaction and commits nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from psycopg import AsyncConnection

from aggregator.figures.slots import NOT_SEEN, StatusColumns
from aggregator.figures.sources import SourceEvent, SourceState
from aggregator.figures.sweep import SweepResult
from aggregator.figures.sweep_memory import SweepState
from aggregator.figures.transitions import Transitions
from schemas.metrics import counter, gauge
from schemas.named_sql import load
from schemas.worker import (
    CAUSE_CODES,
    EVENT_NAMESPACE,
    STATUS_CODES,
    Cause,
    EventKind,
    event_id,
    still_silent_id,
)

_SQL: Final = load("aggregator.figures", "sql/transitions.sql")

_STATUSES: Final = [status.value for status in STATUS_CODES]
_CAUSES: Final = [cause.value for cause in CAUSE_CODES]
_CHANGED: Final = EventKind.STATUS_CHANGED.value
_TOLD_AGAIN: Final = EventKind.STILL_SILENT.value
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


async def store_result(connection: Connection, columns: StatusColumns, result: SweepResult) -> None:
    """The events of one sweep, sources before workers: the reason is told first."""
    await store_source_events(connection, result.sources)
    await store_transitions(connection, columns, result.transitions)


async def store_transitions(
    connection: Connection, columns: StatusColumns, transitions: Transitions
) -> None:
    """Append transitions to the outbox. The id of each is made from its worker and number."""
    if not len(transitions):
        return
    worker_ids = columns.worker_id[transitions.slot].tolist()
    cursor = await connection.execute(_SQL["worker_uids"], {"worker_ids": sorted(set(worker_ids))})
    uids = dict(await cursor.fetchall())
    again, numbers = transitions.again.tolist(), transitions.number.tolist()
    await connection.execute(
        _SQL["append_transitions"],
        {
            "event_ids": [
                (still_silent_id if repeats else event_id)(uids[worker_id], number)
                for repeats, worker_id, number in zip(again, worker_ids, numbers, strict=True)
            ],
            "kinds": [_TOLD_AGAIN if repeats else _CHANGED for repeats in again],
            "at_s": transitions.at_s.tolist(),
            "miner_ids": columns.miner_id[transitions.slot].tolist(),
            "worker_ids": worker_ids,
            "source_ids": transitions.source_id.tolist(),
            "numbers": numbers,
            "from_codes": transitions.from_code.tolist(),
            "to_codes": transitions.to_code.tolist(),
            "cause_codes": transitions.cause.tolist(),
            "statuses": _STATUSES,
            "causes": _CAUSES,
        },
    )


async def store_source_events(connection: Connection, events: Sequence[SourceEvent]) -> None:
    """Append `source-silent` and `source-back` to the outbox."""
    if not events:
        return
    await connection.execute(
        _SQL["append_source_events"],
        {
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
    swept_to_s, resumed_s = await cursor.fetchone() or (None, None)
    cursor = await connection.execute(_SQL["source_states"])
    sources = tuple(SourceState(*row) for row in await cursor.fetchall())
    return SweepState(swept_to_s, resumed_s or 0, sources)


async def taken_workers(connection: Connection) -> list[int]:
    """Ids of workers whose silence is laid to their source, for `SweepMemory.restored`."""
    cursor = await connection.execute(_SQL["taken_workers"])
    return [worker_id for (worker_id,) in await cursor.fetchall()]


async def save_state(connection: Connection, state: SweepState) -> None:
    await connection.execute(
        _SQL["save_sweep"], {"swept_to_s": state.swept_to_s, "resumed_s": state.resumed_s}
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


def observe(columns: StatusColumns, result: SweepResult, by_hand: Transitions) -> None:
    """Metrics of one beat, after its transaction: a rolled back one changed nothing."""
    hardware = ~columns.is_boundary & (columns.status != NOT_SEEN)
    workers = np.bincount(columns.status[hardware], minlength=len(STATUS_CODES))
    for status, count in zip(STATUS_CODES, workers.tolist(), strict=True):
        gauge("workers").labels(status=status.value).set(count)
    changed = counter("transitions_total")
    for transitions in (result.transitions, by_hand):
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
