"""What people ask for and no share tells: removals, and boundary workers that come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes_reader import read_workers
from aggregator.figures.slots import Worker
from aggregator.figures.state import FiguresState
from aggregator.figures.status import OFF, REMOVED, STABLE
from aggregator.figures.status_store import BoundaryChange, boundary_changes
from aggregator.figures.transitions import Transitions, changed_by_hand
from schemas.named_sql import load
from schemas.worker import Cause

_SQL: Final = load("aggregator.figures", "sql/by_hand.sql")


@dataclass(frozen=True, slots=True)
class ByHand:
    """As one beat found it; `workers` are all whom it concerns."""

    removals: list[int]
    boundary: list[BoundaryChange]
    workers: list[Worker]


async def read_by_hand(connection: AsyncConnection[Any]) -> ByHand:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["removals"])
        removals = [worker_id for (worker_id,) in await cursor.fetchall()]
    boundary = await boundary_changes(connection)
    concerned = [*removals, *(change.worker_id for change in boundary)]
    workers = await read_workers(connection, np.array(concerned, np.int32)) if concerned else []
    return ByHand(removals, boundary, workers)


def carry_out(state: FiguresState, by_hand: ByHand, *, to_s: int) -> Transitions:
    """Change the statuses as of stream time `to_s`; a boundary worker of the future waits."""
    created = [change for change in by_hand.boundary if change.created_s <= to_s]
    concerned = {*by_hand.removals, *(change.worker_id for change in created)}
    state.add_workers([worker for worker in by_hand.workers if worker.worker_id in concerned])
    disconnected = [
        (change.worker_id, change.disconnected_s)
        for change in created
        if change.disconnected_s is not None and change.disconnected_s <= to_s
    ]
    created_at = [(change.worker_id, change.created_s) for change in created]
    removed = [(worker_id, to_s) for worker_id in by_hand.removals]
    # Their silence is nobody's any more: a return is told as their own.
    state.memory.taken.write(state.slots_of(np.array(by_hand.removals, np.int32)), taken=False)
    # Who was disconnected before anybody saw it was stable once all the same.
    unseen = [(worker, at_s) for worker, at_s in created_at if not _is_seen(state, worker)]
    return Transitions.joined(
        [
            _change(state, unseen, code=STABLE, cause=Cause.CREATED),
            _change(state, disconnected, code=OFF, cause=Cause.DISCONNECTED),
            _change(state, removed, code=REMOVED, cause=Cause.REMOVED_BY_HAND),
        ]
    )


async def take_by_hand(connection: AsyncConnection[Any], by_hand: ByHand) -> None:
    """Take the removals off the list, in the transaction that stores what became of them."""
    if by_hand.removals:
        await connection.execute(_SQL["take_removals"], {"worker_ids": by_hand.removals})


def _is_seen(state: FiguresState, worker_id: int) -> bool:
    slot = state.slots_of(np.array([worker_id], np.int32))[0]
    return bool(state.slots.columns.transition_number[slot])


def _change(
    state: FiguresState, changes: list[tuple[int, int]], *, code: int, cause: Cause
) -> Transitions:
    slots = state.slots_of(np.array([worker_id for worker_id, _ in changes], np.int32))
    at_s = np.array([at_s for _, at_s in changes], np.int64)
    return changed_by_hand(state.slots.columns, slots, code=code, at_s=at_s, cause=cause)
