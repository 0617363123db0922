"""Which workers are read again where late minutes changed what the rings can't make anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aggregator.figures.minutes import coarse_sums as module
from aggregator.figures.minutes.coarse_sums import coarse_sums
from aggregator.figures.minutes.reader import DirtyMinute, WorkerSums
from aggregator.figures.windows.grid import WindowGrid

NOW = 29_838_960
"""The watermark, at the hour."""
NONE = WorkerSums(np.empty(0, np.int32), np.empty((2, 0)))


@pytest.mark.parametrize(
    ("late", "workers", "asked"),
    [
        ([(70, 100)], 100, 100),
        ([(70, 200)], 1_200, 200),
        ([(70, 200)], 1_199, None),
        ([(71, 150), (72, 200)], 1_200, 200),
        ([(70, None), (71, 2)], 1_200_000, None),
    ],
)
async def test_many_workers_are_read_with_all_others(
    monkeypatch: pytest.MonkeyPatch,
    late: list[tuple[int, int | None]],
    workers: int,
    asked: int | None,
) -> None:
    """Minutes ago and how many workers are late in each; of how many the half hour is read."""
    reads: list[tuple[int, int, list[int] | None]] = []

    async def read(
        _connection: Any, first: int, end: int, *, worker_ids: list[int] | None
    ) -> WorkerSums:
        reads.append((first, end, worker_ids))
        return NONE

    monkeypatch.setattr(module, "read_span", read)
    dirty = [
        DirtyMinute(NOW - ago, (), None if count is None else tuple(range(count)))
        for ago, count in sorted(late, reverse=True)
    ]
    connection: Any = None
    day, week = await coarse_sums(connection, WindowGrid(NOW), dirty, workers=workers)
    assert (len(day), week) == (1, {})
    ((first, end, ids),) = reads
    assert (end - first, first <= NOW - 72 < NOW - 70 < end) == (30, True)
    assert (None if ids is None else len(ids)) == asked
