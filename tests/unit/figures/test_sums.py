"""Figures of miners, operators and pools are sums over the right workers."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from aggregator.figures.forgotten import ForgottenWorkers
from aggregator.figures.publish.entity_totals import entity_figures
from aggregator.figures.publish.snapshot import changes, window_blocks
from aggregator.figures.status.rule import STABLE
from aggregator.figures.worker_arrays import StatusColumns, WorkerTable
from schemas.worker import STATUS_CODES


def table() -> WorkerTable:
    """Miner 11 with an operator (a rig, a boundary worker), miner 12 without (two rigs)."""
    workers = WorkerTable(capacity=2)
    workers.add(
        StatusColumns.of(
            np.array([101, 102, 250, 90], np.int32),
            miner_id=[11, 11, 12, 12],
            operator_id=[5, 5, 0, 0],
            pool_id=1,
            is_boundary=[False, True, False, False],
        )
    )
    return workers


def test_boundary_work_counts_for_its_miner_only() -> None:
    columns = table().columns
    columns.status[:] = (0, 0, 2, -1)
    totals = np.arange(32, dtype=np.float64).reshape(4, 2, 4)
    found = entity_figures(columns, totals, ForgottenWorkers())
    assert found.entity_id.tolist() == [1, 5, 11, 12]
    pool, operator, first, second = (found.totals[0, 1, index] for index in range(4))
    assert (pool, operator, first, second) == (4 + 6 + 7, 4, 4 + 5, 6 + 7)
    counts = dict(zip(found.entity_id.tolist(), found.status_counts.T.tolist(), strict=True))
    assert len(STATUS_CODES) == 4
    assert counts == {1: [1, 0, 2, 0], 5: [1, 0, 0, 0], 11: [2, 0, 0, 0], 12: [0, 0, 2, 0]}


def test_slots_are_found_by_any_id() -> None:
    workers = table()
    assert workers.count == 4
    assert workers.find(np.array([90, 7, 102, 100_000], np.int32)).tolist() == [3, -1, 1, -1]
    workers.add_ids(np.array([100_000], np.int32))
    assert workers.find(np.array([100_000, 101], np.int32)).tolist() == [4, 0]
    assert workers.columns.miner_id.tolist() == [11, 11, 12, 12, 0]


def test_only_changed_rows_are_written() -> None:
    workers = table()
    workers.add_ids(np.array([300], np.int32))
    before = deepcopy(workers.columns)
    published = np.zeros((4, 2, 5))
    totals = published.copy()
    changed = changes(workers.columns, totals, published=published, columns_before=before)
    assert changed.figures.tolist() == changed.statuses.tolist() == []
    totals[3, 1, 2] = 1.0
    workers.columns.last_share_s[0] = 77
    # The last one has no row yet.
    published[:, :, 4] = np.nan
    workers.columns.status[1] = STABLE
    changed = changes(workers.columns, totals, published=published, columns_before=before)
    assert changed.figures.tolist() == [0, 1, 2, 4]
    # The last share of who is not stable is in its row, too.
    assert changed.statuses.tolist() == [0, 1, 4]
    assert changed.is_new.tolist() == [False, False, True]
    before = deepcopy(workers.columns)
    workers.columns.last_share_s[:2] += 1
    changed = changes(workers.columns, totals, published=totals, columns_before=before)
    assert changed.figures.tolist() == [0, 1]
    assert changed.statuses.tolist() == [0]


def test_a_block_holds_all_its_workers_and_zeros_for_the_others() -> None:
    workers = WorkerTable()
    ids = np.array([17, 3, 31, 48], np.int32)
    workers.add_ids(ids)
    columns, totals = workers.columns, np.zeros((4, 2, 4))
    totals[:, :, :] = ids
    totals[3, 1] += 0.5
    columns.last_share_s[:] = 1_000 + ids
    columns.share_interval_s[:] = ids / 8
    numbers, cells = window_blocks(columns, totals, np.array([2]))
    assert numbers.tolist() == [1]
    of_worker = cells.reshape(16, 10)
    assert of_worker[1].tolist() == [17.0] * 7 + [17.5, 1_017.0, 17 / 8]
    assert of_worker[15].tolist() == [31.0] * 7 + [31.5, 1_031.0, 31 / 8]
    assert not np.delete(of_worker, [1, 15], axis=0).any()
    numbers, cells = window_blocks(columns, totals, np.array([3, 1]))
    assert numbers.tolist() == [0, 3]
    assert [np.flatnonzero(block.reshape(16, 10)[:, 0]).tolist() for block in cells] == [[3], [0]]
