"""What shares say of workers beside their work: collected with a checkpoint, written if it changed.

A share's own difficulty is luck: what counts is the best that a worker ever reached, with an
accepted share. Its software is what the newest share names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.intake.timestamps import timestamp_of
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.connection import Connection
from aggregator.postgres.int4_array import Int4Array
from schemas.batch import ShareBatch
from schemas.runtime.named_sql import load
from schemas.share import ShareResult

SQL: Final = load("aggregator.intake", "sql/details.sql")


@dataclass(slots=True)
class SeenDetails:
    """By dense worker index: the best difficulty and the last agent, each with its share's time."""

    best: dict[int, tuple[float, int]] = field(default_factory=dict)
    agent: dict[int, tuple[str, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.best or self.agent)

    def add(self, batch: ShareBatch, worker_index: NDArray[np.int32]) -> None:
        """`worker_index` replaces the codes of the batch, which has details."""
        details = batch.details
        if details is None:
            return
        reached, at_ms = details.share_difficulty, batch.timestamp_ms
        accepted = (batch.result == ShareResult.ACCEPTED) & ~np.isnan(reached)
        for row in _last_of_each(worker_index, by=reached, rows=np.flatnonzero(accepted)):
            self._add_best(int(worker_index[row]), float(reached[row]), int(at_ms[row]))
        named = np.flatnonzero(details.agent >= 0)
        for row in _last_of_each(worker_index, by=at_ms, rows=named):
            agent = details.agents[int(details.agent[row])]
            self._add_agent(int(worker_index[row]), agent, int(at_ms[row]))

    def _add_best(self, worker: int, reached: float, at_ms: int) -> None:
        if worker not in self.best or reached > self.best[worker][0]:
            self.best[worker] = reached, at_ms

    def _add_agent(self, worker: int, agent: str, at_ms: int) -> None:
        if worker not in self.agent or at_ms >= self.agent[worker][1]:
            self.agent[worker] = agent, at_ms

    def newer_than(self, written: SeenDetails) -> SeenDetails:
        """Without what is no news: an agent that is the same, a best that is no better."""
        return SeenDetails(
            {
                worker: best
                for worker, best in self.best.items()
                if worker not in written.best or best[0] > written.best[worker][0]
            },
            {
                worker: agent
                for worker, agent in self.agent.items()
                if worker not in written.agent or agent[0] != written.agent[worker][0]
            },
        )

    def update(self, later: SeenDetails) -> None:
        self.best |= later.best
        self.agent |= later.agent


async def save_details(connection: Connection, registry: Registry, seen: SeenDetails) -> None:
    """In the caller's open transaction."""
    index = np.array(sorted({*seen.best, *seen.agent}), np.int64)
    bests = [seen.best.get(worker, (None, None)) for worker in index.tolist()]
    agents = [seen.agent.get(worker, (None, None)) for worker in index.tolist()]
    await connection.execute(
        SQL["save_details"],
        {
            "worker_ids": Int4Array(registry.columns_of(index).worker_id),
            "bests": [best for best, _ in bests],
            "bests_at": [None if at_ms is None else timestamp_of(at_ms) for _, at_ms in bests],
            "agents": [agent for agent, _ in agents],
            "agents_at": [None if at_ms is None else timestamp_of(at_ms) for _, at_ms in agents],
        },
    )


def _last_of_each(
    worker_index: NDArray[np.int32], *, by: NDArray[Any], rows: NDArray[np.intp]
) -> Iterator[int]:
    """Of `rows`, the one of each worker that is highest in `by`."""
    order = rows[np.lexsort((by[rows], worker_index[rows]))]
    worker = worker_index[order]
    last = np.append(worker[1:] != worker[:-1], True) if len(order) else np.empty(0, np.bool_)
    yield from order[last].tolist()
