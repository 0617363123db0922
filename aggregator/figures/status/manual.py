"""Changes that no share shows: manual removals, and boundary workers that come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.state import FiguresState
from aggregator.figures.status.rule import OFF, REMOVED, STABLE
from aggregator.figures.status.store import BoundaryChange, boundary_changes
from aggregator.figures.status.transitions import Transitions, changed_manually
from schemas.runtime.named_sql import load
from schemas.worker import Cause

_SQL: Final = load("aggregator.figures", "sql/manual_changes.sql")


@dataclass(frozen=True, slots=True)
class ManualChanges:
    """As one cycle found it."""

    removals: list[int]
    boundary: list[BoundaryChange]

    @property
    def worker_ids(self) -> NDArray[np.int32]:
        """All whom it concerns."""
        created = [change.worker_id for change in self.boundary]
        return np.array([*self.removals, *created], np.int32)


async def read_manual_changes(connection: AsyncConnection[Any], *, to_s: int) -> ManualChanges:
    """What came about by stream time `to_s`; a boundary worker of the future waits."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["removals"])
        removals = [worker_id for (worker_id,) in await cursor.fetchall()]
    boundary = await boundary_changes(connection)
    return ManualChanges(removals, [change for change in boundary if change.created_s <= to_s])


def apply_manual_changes(state: FiguresState, changes: ManualChanges, *, to_s: int) -> Transitions:
    """Change the statuses as of stream time `to_s`. Whom it concerns was added before."""
    disconnected = [
        (change.worker_id, change.disconnected_s)
        for change in changes.boundary
        if change.disconnected_s is not None and change.disconnected_s <= to_s
    ]
    created_at = [(change.worker_id, change.created_s) for change in changes.boundary]
    removed = [(worker_id, to_s) for worker_id in changes.removals]
    # Their silence is no source's any more: a return counts as their own.
    state.memory.attributed.write(
        state.indices_of(np.array(changes.removals, np.int32)), attributed=False
    )
    # Who was disconnected before anybody saw it was stable once all the same.
    unseen = [(worker, at_s) for worker, at_s in created_at if not _is_seen(state, worker)]
    return Transitions.joined(
        [
            _change(state, unseen, code=STABLE, cause=Cause.CREATED),
            _change(state, disconnected, code=OFF, cause=Cause.DISCONNECTED),
            _change(state, removed, code=REMOVED, cause=Cause.REMOVED_BY_HAND),
        ]
    )


async def clear_manual_changes(connection: AsyncConnection[Any], changes: ManualChanges) -> None:
    """Take the removals off the list, in the transaction that stores what became of them."""
    if changes.removals:
        await connection.execute(_SQL["clear_removals"], {"worker_ids": changes.removals})


def _is_seen(state: FiguresState, worker_id: int) -> bool:
    index = state.indices_of(np.array([worker_id], np.int32))[0]
    return bool(state.workers.columns.transition_number[index])


def _change(
    state: FiguresState, at: list[tuple[int, int]], *, code: int, cause: Cause
) -> Transitions:
    indices = state.indices_of(np.array([worker_id for worker_id, _ in at], np.int32))
    at_s = np.array([at_s for _, at_s in at], np.int64)
    return changed_manually(state.workers.columns, indices, code=code, at_s=at_s, cause=cause)
