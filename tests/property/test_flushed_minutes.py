"""Flushed rows added up in numpy, and entity minutes made of them, against plain dictionaries."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.minutes.entity_minutes import entity_minutes
from aggregator.figures.minutes.flushed import PACKED, PACKED_REASONS, FoldedMinutes, fold
from aggregator.postgres.binary_copy import POSTGRES_EPOCH_S
from schemas.share import REJECT_REASONS

NO_SHARE_US = -POSTGRES_EPOCH_S * 1_000_000
FIRST = 29_540_000

Flushed = tuple[int, int, int, int, int, int, int, int, dict[int, int]]
"""minute, worker, operator, source, second (-1: none), accepted, its shares, rejects, by reason"""

rows = st.lists(
    st.tuples(
        st.integers(FIRST, FIRST + 2),
        st.integers(1, 5),
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(-1, 59),
        st.integers(0, 2**40),
        st.integers(0, 9),
        st.integers(0, 9),
        st.dictionaries(st.integers(0, len(REJECT_REASONS) - 1), st.integers(1, 2**40), max_size=3),
    ),
    max_size=40,
)


def miner_of(worker: int) -> int:
    return 10 + worker % 3


def packed(flushed: list[Flushed]) -> tuple[bytes, bytes]:
    table = np.zeros(len(flushed), PACKED)
    reasons = np.zeros(len(flushed), PACKED_REASONS)
    for row, (minute, worker, operator, source, second, accepted, shares, rejects, by) in zip(
        range(len(flushed)), flushed, strict=True
    ):
        bucket_us = (minute * 60 - POSTGRES_EPOCH_S) * 1_000_000
        last_us = NO_SHARE_US if second < 0 else bucket_us + second * 1_000_000
        table[row] = (
            *(bucket_us, worker, miner_of(worker), operator, source, shares, rejects),
            *(accepted, sum(by.values()), last_us),
        )
        work = [float(by[code]) if code in by else math.nan for code in range(len(REJECT_REASONS))]
        reasons[row] = (bucket_us, worker, work)
    return table.tobytes(), reasons[[bool(row[8]) for row in flushed]].tobytes()


def folded(flushed: list[Flushed]) -> FoldedMinutes:
    return fold(*packed(flushed))


@given(rows)
def test_fold_agrees_with_plain_dictionaries(flushed: list[Flushed]) -> None:
    groups: dict[tuple[int, int], list[Flushed]] = defaultdict(list)
    for row in flushed:
        groups[row[0], row[1]].append(row)
    found = folded(flushed)
    keys = list(zip(found.minute.tolist(), found.worker_id.tolist(), strict=True))
    assert keys == sorted(groups)
    for at, key in enumerate(keys):
        same = groups[key]
        assert found.miner_id[at] == miner_of(key[1])
        assert found.operator_id[at] == min((row[2] for row in same if row[2]), default=0)
        heard = [row for row in same if row[4] >= 0]
        latest = max(((row[4], row[3]) for row in heard if row[3]), default=(0, 0))
        assert found.source_id[at] == latest[1]
        assert bool(found.has_share[at]) == bool(heard)
        if heard:
            last_s = found.last_share_us[at] // 1_000_000 + POSTGRES_EPOCH_S
            assert last_s == key[0] * 60 + max(row[4] for row in heard)
        assert found.accepted[at] == sum(row[5] for row in same)
        assert found.accepted_count[at] == sum(row[6] for row in same)
        assert found.rejected_count[at] == sum(row[7] for row in same)
        assert found.rejected[at] == sum(sum(row[8].values()) for row in same)
        for reason in range(len(REJECT_REASONS)):
            named = [row[8][reason] for row in same if reason in row[8]]
            work = found.reasons[reason, at]
            assert work == sum(named) if named else math.isnan(work)


@given(rows, st.sets(st.integers(1, 5)))
def test_entity_minutes_agree_with_plain_dictionaries(
    flushed: list[Flushed], boundary: set[int]
) -> None:
    workers = folded(flushed)
    for minute, part in workers.by_minute().items():
        one = workers.part(part)
        found = entity_minutes(
            minute,
            one,
            pool_id=np.full(len(one), 7, np.int32),
            is_boundary=np.isin(one.worker_id, list(boundary)),
        )
        sums: dict[int, list[float]] = defaultdict(lambda: [0.0] * 4)
        reasons: dict[tuple[int, int], float] = defaultdict(float)
        for at, worker in enumerate(one.worker_id.tolist()):
            hardware = worker not in boundary
            owners = {miner_of(worker)} | ({int(one.operator_id[at]), 7} if hardware else set())
            for owner in owners - {0}:
                values = (one.accepted_count, one.rejected_count, one.accepted, one.rejected)
                sums[owner] = [
                    old + float(value[at]) for old, value in zip(sums[owner], values, strict=True)
                ]
                for reason in np.flatnonzero(~np.isnan(one.reasons[:, at])).tolist():
                    reasons[owner, reason] += float(one.reasons[reason, at])
        assert found.entity_id.tolist() == sorted(sums)
        for at, entity in enumerate(found.entity_id.tolist()):
            assert [
                *(found.accepted_count[at], found.rejected_count[at]),
                *(found.accepted[at], found.rejected[at]),
            ] == sums[entity]
            for reason in range(len(REJECT_REASONS)):
                work = found.reasons[reason, at]
                known = (entity, reason) in reasons
                assert work == reasons[entity, reason] if known else math.isnan(work)
