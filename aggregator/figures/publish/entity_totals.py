"""Windows of miners, operators and pools: sums over their workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.forgotten import ForgottenWorkers
from aggregator.figures.status.rule import OFF
from aggregator.figures.worker_arrays import NONE_ID, NOT_SEEN, StatusColumns
from schemas.worker import STATUS_CODES

_Owned = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""The owner of each row, and which rows count for owners of this kind."""

_STATUSES: Final = len(STATUS_CODES)


@dataclass(frozen=True, slots=True)
class EntityFigures:
    """By entity, ascending: sums float64[windows, 2, n], workers by status int64[statuses, n]."""

    entity_id: NDArray[np.int64]
    totals: NDArray[np.float64]
    status_counts: NDArray[np.int64]


def shown_status(status: NDArray[np.int8]) -> NDArray[np.int8]:
    """A worker that never had an accepted share is shown as off (its transition number is 0)."""
    return np.where(status == NOT_SEEN, OFF, status).astype(np.int8)


def entity_figures(
    columns: StatusColumns, totals: NDArray[np.float64], forgotten: ForgottenWorkers
) -> EntityFigures:
    """Sums of worker windows before any rounding; `totals` float64[windows, 2, workers].

    A miner counts all its workers, an operator and a pool hardware only. Forgotten workers have a
    status and empty windows.
    """
    owners, others = _owners(columns), _owners(forgotten.columns)
    size = 1 + max(int(ids.max(initial=NONE_ID)) for ids, _ in (*owners, *others))
    windows, sides, _ = totals.shape
    sums = np.zeros((windows, sides, size))
    counts = np.zeros((_STATUSES, size), np.int64)
    present = np.zeros(size, np.bool_)
    status = shown_status(columns.status)
    for ids, counted in owners:
        chosen = ids[counted] if not counted.all() else ids
        present[chosen] = True
        for window in range(windows):
            for side in range(sides):
                work = totals[window, side][counted] if not counted.all() else totals[window, side]
                sums[window, side] += np.bincount(chosen, work, size)
        for code in range(_STATUSES):
            counts[code] += np.bincount(ids[counted & (status == code)], minlength=size)
    for ids, counted in others:
        present[ids[counted]] = True
        codes = shown_status(forgotten.columns.status[counted])
        np.add.at(counts, (codes, ids[counted]), forgotten.workers[counted])
    present[NONE_ID] = False
    entity_id = np.flatnonzero(present)
    return EntityFigures(entity_id, sums[:, :, entity_id], counts[:, entity_id])


def _owners(rows: StatusColumns) -> tuple[_Owned, _Owned, _Owned]:
    hardware = ~rows.is_boundary
    everyone = np.ones(len(hardware), np.bool_)
    return (
        (rows.miner_id, everyone),
        (rows.operator_id, hardware),
        (rows.pool_id, hardware),
    )
