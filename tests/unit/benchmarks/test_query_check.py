"""The benchmark of queries records nothing if somebody answers with other rows."""

from __future__ import annotations

import pytest

from benchmarks.peers.bench_queries import KEPT, OURS, check, top_100
from benchmarks.peers.query_engines import Rows


class FixedAnswer:
    """Answers every question with the same rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def ask(self, query: str) -> tuple[float, Rows]:
        return 0.0, self._rows


ROWS: Rows = [[7, 65_536.0], [3, 8_192.0]]


def test_equal_rows_pass_whatever_their_types() -> None:
    as_floats = [[7.0, 65_536], [3.0, 8_192]]
    check(top_100, {"ours": (FixedAnswer(ROWS), OURS), "peer": (FixedAnswer(as_floats), KEPT)})


@pytest.mark.parametrize(
    "other",
    [ROWS[:1], ROWS[::-1], [[7, 65_536.0], [3, 8_193.0]], []],
    ids=["a row less", "another order", "another sum", "no row"],
)
def test_other_rows_stop_the_benchmark(other: Rows) -> None:
    with pytest.raises(AssertionError, match="peer"):
        check(top_100, {"ours": (FixedAnswer(ROWS), OURS), "peer": (FixedAnswer(other), KEPT)})


def test_an_empty_answer_of_all_stops_it_too() -> None:
    with pytest.raises(AssertionError):
        check(top_100, {"ours": (FixedAnswer([]), OURS)})
