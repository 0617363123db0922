"""Statuses and the database: the outbox, removals by hand, and what the next leader must know.

Every function runs in the leader's transaction and commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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

Connection = AsyncConnection[Any]
Event = tuple[Any, ...]


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
    await _copy(connection, _transition_events(columns, transitions, worker_ids, uids))


async def store_source_events(connection: Connection, events: Sequence[SourceEvent]) -> None:
    """Append `source-silent` and `source-back` to the outbox."""
    if not events:
        return
    await _copy(connection, [_source_event(event) for event in events])


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


def _transition_events(
    columns: StatusColumns, transitions: Transitions, worker_ids: list[int], uids: dict[int, UUID]
) -> Iterator[Event]:
    miner_ids = columns.miner_id[transitions.slot].tolist()
    source_ids = transitions.source_id.tolist()
    for worker_id, miner_id, source_id, number, from_code, to_code, at_s, cause, again in zip(
        worker_ids,
        miner_ids,
        source_ids,
        transitions.number.tolist(),
        transitions.from_code.tolist(),
        transitions.to_code.tolist(),
        transitions.at_s.tolist(),
        transitions.cause.tolist(),
        transitions.again.tolist(),
        strict=True,
    ):
        identity = still_silent_id if again else event_id
        yield (
            identity(uids[worker_id], number),
            (EventKind.STILL_SILENT if again else EventKind.STATUS_CHANGED).value,
            _utc(at_s),
            miner_id,
            worker_id,
            source_id or None,
            number,
            None if from_code == NOT_SEEN else STATUS_CODES[from_code].value,
            STATUS_CODES[to_code].value,
            CAUSE_CODES[cause].value,
            None,
        )


def _source_event(event: SourceEvent) -> Event:
    silent = event.kind is EventKind.SOURCE_SILENT
    # A source has no uid; its kind of event and instant name it for good.
    identity = uuid5(EVENT_NAMESPACE, f"source:{event.source_id}:{event.kind}:{event.at_s}")
    cause = Cause.SILENCE if silent else Cause.SHARE
    return (
        identity,
        event.kind.value,
        _utc(event.at_s),
        None,
        None,
        event.source_id,
        None,
        None,
        None,
        cause.value,
        event.workers,
    )


async def _copy(connection: Connection, events: Iterable[Event]) -> None:
    async with connection.cursor() as cursor, cursor.copy(_SQL["copy_events"]) as copy:
        for event in events:
            await copy.write_row(event)


def _utc(timestamp_s: int) -> datetime:
    return datetime.fromtimestamp(timestamp_s, UTC)
