"""What an import adds up agrees with a plain dictionary, at every age and however it is cut."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.imports.ages import Ages
from aggregator.imports.buckets import folded, spread, summed
from schemas.batch import ShareBatch
from schemas.share import ShareResult
from schemas.windows import DAY_S

AGES = Ages(
    minutes_from_s=40 * DAY_S,
    levels_from_s=(30 * DAY_S, 10 * DAY_S, 0),
    live_from_s=43 * DAY_S,
)
SHARES = st.lists(
    st.tuples(
        st.integers(8 * DAY_S, 42 * DAY_S) | st.sampled_from([10 * DAY_S, 30 * DAY_S, 40 * DAY_S]),
        st.integers(0, 5),
        st.integers(1, 1 << 40),
        st.sampled_from(ShareResult),
    ),
    max_size=40,
)


def batch_of(shares: list[tuple[int, int, int, ShareResult]]) -> tuple[ShareBatch, np.ndarray]:
    at_s, worker, difficulty, result = zip(*shares, strict=True) if shares else ((), (), (), ())
    count = len(shares)
    batch = ShareBatch(
        np.array(at_s, np.int64) * 1_000,
        np.zeros(count, np.int32),
        np.array(difficulty, np.float64),
        np.array(result, np.uint8),
        np.full(count, -1, np.int32),
        [("anna", "a")],
        [],
    )
    return batch, np.array(worker, np.int32)


def width_of(at_s: int) -> int:
    if at_s >= AGES.minutes_from_s:
        return 60
    return 900 if at_s >= 30 * DAY_S else 3_600 if at_s >= 10 * DAY_S else DAY_S


def as_dictionary(buckets) -> dict[tuple[int, int], list[float]]:
    columns = (*buckets.counts, *buckets.sums, *buckets.reasons)
    keys = zip(buckets.worker_index.tolist(), buckets.start_s.tolist(), strict=True)
    return {key: [float(column[row]) for column in columns] for row, key in enumerate(keys)}


@given(SHARES, st.integers(0, 40))
def test_buckets_agree_with_a_dictionary(shares, cut):
    plain: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0] * 11)
    for at_s, worker, difficulty, result in shares:
        row = plain[worker, at_s - at_s % width_of(at_s)]
        rejected = result is not ShareResult.ACCEPTED
        row[rejected] += 1
        row[2 + rejected] += difficulty
        if rejected:
            row[3 + result] += difficulty
    parts = [
        part for half in (shares[:cut], shares[cut:]) for part in folded(*batch_of(half), AGES)
    ]
    assert as_dictionary(summed(parts)) == plain
    days: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0] * 11)
    for (worker, start_s), row in plain.items():
        day = days[worker, start_s - start_s % DAY_S]
        day[:] = [a + b for a, b in zip(day, row, strict=True)]
    assert as_dictionary(summed(parts).coarsened(DAY_S)) == days


@given(
    st.lists(
        st.tuples(
            st.integers(8 * 24, 42 * 24),
            st.integers(1, 1 << 45) | st.floats(1e-6, 1e6),
        ),
        max_size=20,
    )
)
def test_an_hour_by_the_minute_adds_up_to_the_hour(hours):
    rows = [(hour * 3_600, 0, work, ShareResult.ACCEPTED) for hour, work in hours]
    minutes, of = spread(batch_of(rows)[0], AGES, 3_600)
    for row, (at_s, _, work, _) in enumerate(rows):
        part = minutes.difficulty[of == row]
        assert part.sum() == work or abs(part.sum() - work) <= 1e-12 * work
        if isinstance(work, int):
            assert int(part.sum()) == work
            assert part.max() - part.min() <= 1
        found_s = minutes.timestamp_ms[of == row] // 1_000
        assert (found_s - found_s % 3_600 == at_s).all()
        assert len(part) == 1 or width_of(at_s) == 60
