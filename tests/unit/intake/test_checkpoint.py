"""What is kept of the shares between two flushes."""

from __future__ import annotations

import tracemalloc

import numpy as np

from aggregator.intake.checkpoint import Checkpoint
from schemas.batch import batch_of
from schemas.share import Share, ShareResult

NOON_MS = 1_790_337_600_000
ONE = batch_of([Share(NOON_MS, "alice", "rig", 2.0, ShareResult.ACCEPTED, None)])


def test_shares_that_come_one_by_one_take_no_more_memory_than_at_once() -> None:
    checkpoint, count = Checkpoint(), 9_999
    tracemalloc.start()
    for _ in range(count):
        index, source = np.zeros(1, np.int32), np.full(1, -1, np.int32)
        checkpoint.add(ONE.filter(np.ones(1, np.bool_)), index, source)
    bytes_a_share = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    assert bytes_a_share < 100
    assert checkpoint.shares == count
    assert checkpoint.rows().accepted.tolist() == [2.0 * count]


def test_checkpoint_without_shares_has_no_rows() -> None:
    assert len(Checkpoint().rows()) == 0
