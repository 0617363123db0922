"""Figures of miners, operators and pools are sums over the right workers."""

from __future__ import annotations

import numpy as np

from aggregator.figures.current import changed_slots, shown_status
from aggregator.figures.entities import entity_figures
from aggregator.figures.slots import SlotTable, Worker
from schemas.worker import STATUS_CODES


def table() -> SlotTable:
    """Miner 11 with an operator (a rig, a boundary worker), miner 12 without (two rigs)."""
    slots = SlotTable(capacity=2)
    slots.add(
        [
            Worker(101, 11, 5, 1, is_boundary=False),
            Worker(102, 11, 5, 1, is_boundary=True),
            Worker(250, 12, 0, 1, is_boundary=False),
            Worker(90, 12, 0, 1, is_boundary=False),
        ]
    )
    return slots


def test_boundary_work_counts_for_its_miner_only() -> None:
    columns = table().columns
    columns.status[:] = (0, 0, 2, -1)
    totals = np.arange(32, dtype=np.float64).reshape(4, 2, 4)
    found = entity_figures(columns, totals, shown_status(columns))
    assert found.entity_id.tolist() == [1, 5, 11, 12]
    pool, operator, first, second = (found.totals[0, 1, index] for index in range(4))
    assert (pool, operator, first, second) == (4 + 6 + 7, 4, 4 + 5, 6 + 7)
    counts = dict(zip(found.entity_id.tolist(), found.status_counts.T.tolist(), strict=True))
    assert len(STATUS_CODES) == 4
    assert counts == {1: [1, 0, 2, 0], 5: [1, 0, 0, 0], 11: [2, 0, 0, 0], 12: [0, 0, 2, 0]}


def test_slots_are_found_by_any_id() -> None:
    slots = table()
    assert slots.count == 4
    assert slots.find(np.array([90, 7, 102, 100_000], np.int32)).tolist() == [3, -1, 1, -1]
    slots.add_ids(np.array([100_000], np.int32))
    assert slots.find(np.array([100_000, 101], np.int32)).tolist() == [4, 0]
    assert slots.columns.miner_id.tolist() == [11, 11, 12, 12, 0]


def test_only_changed_rows_are_written() -> None:
    slots = table()
    before = slots.columns.copy()
    published = np.zeros((4, 2, 4))
    totals = published.copy()
    assert (
        changed_slots(slots.columns, totals, published=published, columns_before=before).tolist()
        == []
    )
    totals[3, 1, 2] = 1.0
    slots.columns.last_share_s[0] = 77
    slots.add_ids(np.array([300], np.int32))
    grown = np.concatenate((totals, np.zeros((4, 2, 1))), axis=2)
    changed = changed_slots(slots.columns, grown, published=published, columns_before=before)
    assert changed.tolist() == [0, 2, 4]
