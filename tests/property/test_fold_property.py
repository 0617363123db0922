"""The fold against a plain dictionary of whole numbers: every path of it, any shares."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.intake import fold as fold_module
from aggregator.intake.fold import REASON_COUNT, MinuteRows, fold

Row = tuple[int, int, int, float, int]
"""(second, slot, result, difficulty, source)"""

# Multiples of 1/8 below 2^20: sums of a few thousand are exact in float64.
difficulties = st.integers(1, 2**23).map(lambda eighths: eighths / 8)
FIRST_S = 1_790_000_000


def rows(slots: int, seconds: int) -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.tuples(
            st.integers(FIRST_S, FIRST_S + seconds),
            st.integers(0, slots - 1),
            st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]),
            difficulties,
            st.integers(-1, 3),
        ),
        max_size=60,
    )


def folded(shares: list[Row]) -> MinuteRows:
    columns = list(zip(*shares, strict=True)) or [(), (), (), (), ()]
    return fold(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int32),
        difficulty=np.array(columns[3], np.float64),
        result=np.array(columns[2], np.uint8),
        source=np.array(columns[4], np.int32),
    )


class PlainRow:
    """What one worker did in one minute, added up one share at a time."""

    def __init__(self) -> None:
        self.counts = [0, 0]
        self.sums = [Fraction(0), Fraction(0)]
        self.reasons = [Fraction(0)] * REASON_COUNT
        self.last = (-1, -1)

    def add(self, second: int, result: int, difficulty: float, source: int) -> None:
        rejected = result != 0
        self.counts[rejected] += 1
        self.sums[rejected] += Fraction(difficulty)
        if rejected:
            self.reasons[result - 1] += Fraction(difficulty)
        elif second >= self.last[0]:
            self.last = (second, source)


def plain(shares: list[Row]) -> dict[tuple[int, int], PlainRow]:
    table: dict[tuple[int, int], PlainRow] = {}
    for second, slot, result, difficulty, source in shares:
        row = table.setdefault((second // 60 * 60, slot), PlainRow())
        row.add(second, result, difficulty, source)
    return table


def assert_same(shares: list[Row]) -> None:
    result = folded(shares)
    reasons = {row: result.reasons[:, i] for i, row in enumerate(result.reject_row.tolist())}
    expected = plain(shares)
    keys = list(zip(result.minute_s.tolist(), result.worker_index.tolist(), strict=True))
    assert sorted(keys) == sorted(expected)
    for i, key in enumerate(keys):
        row = expected[key]
        assert [result.accepted_count[i], result.rejected_count[i]] == row.counts
        assert [Fraction(result.accepted[i]), Fraction(result.rejected[i])] == row.sums
        assert (result.last_share_s[i], result.source[i]) == row.last
        found = reasons.get(i, np.zeros(REASON_COUNT))
        assert [Fraction(value) for value in found] == row.reasons


@given(rows(slots=4, seconds=200))
@example([])
@example([(FIRST_S, 0, 7, 1.0, -1)])
def test_few_workers_agree_with_a_plain_dictionary(shares: list[Row]) -> None:
    assert_same(shares)


@given(rows(slots=1_000_000, seconds=100))
def test_many_known_workers_agree_with_a_plain_dictionary(shares: list[Row]) -> None:
    assert_same(shares)


@given(rows(slots=1_000_000, seconds=3 * 86_400))
def test_late_shares_of_many_workers_agree_with_a_plain_dictionary(shares: list[Row]) -> None:
    assert_same(shares)


@pytest.mark.parametrize("cells_per_share", [0, 1, 10**9])
def test_every_path_gives_the_same_rows(
    cells_per_share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_module, "DENSE_CELLS_PER_SHARE", cells_per_share)
    rng = np.random.default_rng(5)
    shares = [
        (FIRST_S + int(at), int(slot), int(result), float(difficulty), int(source))
        for at, slot, result, difficulty, source in zip(
            rng.integers(0, 600, 3_000),
            rng.integers(0, 40, 3_000),
            rng.integers(0, 8, 3_000) * (rng.random(3_000) < 0.3),
            rng.integers(1, 1_000, 3_000),
            rng.integers(-1, 3, 3_000),
            strict=True,
        )
    ]
    assert_same(shares)
