"""The rate of a day, against the worked examples."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from aggregator.settlement.rate import (
    Block,
    NoBlocksError,
    Scheme,
    cut,
    day_rate,
    difficulty_of,
    given_rate,
    without_extremes,
)

DAY_S = 1_670_976_000
"""2022-12-14."""
DIFFICULTY_1 = 0x1D00FFFF


def block(height: int, *, at_s: int = DAY_S, fee_sat: int = 0, bits: int = DIFFICULTY_1) -> Block:
    return Block(height, f"{height:064x}", at_s, bits, 625_000_000, fee_sat)


def plain(difficulty: int) -> Fraction:
    """Without fees, subsidy 6.25 BTC: the formula at a difficulty that no header states exactly."""
    ours = day_rate([], [block(1)], day_s=DAY_S, scheme=Scheme.PPS, drop=0)
    return ours.rate / difficulty


@pytest.mark.parametrize(
    ("difficulty", "hashes", "shown"),
    [(21_448_277_761_059, 10**15, "0.00586194"), (34_244_331_613_176, 10**12, "0.00000367")],
)
def test_worked_examples(difficulty: int, hashes: int, shown: str) -> None:
    assert cut(plain(difficulty) * hashes, 8) == shown


def test_a_payment_is_hashrate_times_rate() -> None:
    rate = Decimal("0.000000000000000002192399084736862074189141067444586110763013383")
    with localcontext(prec=100):
        amount = f"{rate * 827_415_935_642_814_097:.60f}"
    assert amount.startswith("1.81402594" + "0" * 38)


@pytest.mark.parametrize(
    ("bits", "difficulty"), [(0x1B0404CB, "16307.42093852"), (0x170A8BB4, "26690525287405.5")]
)
def test_difficulty_follows_from_a_header(bits: int, difficulty: str) -> None:
    assert cut(difficulty_of(bits), 8).startswith(difficulty)


def test_a_new_difficulty_counts_from_its_minute() -> None:
    half = 0x1C7FFF80
    assert difficulty_of(half) == 2
    before = block(1, at_s=DAY_S - 600)
    after = block(2, at_s=DAY_S + 43_200, bits=half)
    found = day_rate([before], [after], day_s=DAY_S, scheme=Scheme.PPS, drop=0)
    assert found.rate == plain(1) * Fraction(3, 4)


def test_fees_count_without_the_highest_and_lowest() -> None:
    blocks = [block(n, fee_sat=fee) for n, fee in enumerate([10**9, 0, 62_500_000, 3, 10**10])]
    kept, dropped = without_extremes(blocks, 2)
    assert [one.fee_sat for one in kept] == [62_500_000]
    assert len(dropped) == 4
    found = day_rate([], blocks, day_s=DAY_S, scheme=Scheme.FPPS, drop=2)
    assert found.fee_ratio == Fraction(1, 10)
    assert found.rate == found.subsidy_rate * Fraction(11, 10)


def test_one_block_is_never_dropped() -> None:
    kept, dropped = without_extremes([block(1), block(2)], 3)
    assert (len(kept), len(dropped)) == (2, 0)


def test_a_day_without_blocks_has_no_rate() -> None:
    with pytest.raises(NoBlocksError):
        day_rate([block(1)], [], day_s=DAY_S, scheme=Scheme.FPPS, drop=3)


def test_a_given_rate_is_what_was_given() -> None:
    assert given_rate(Fraction(1, 3)).rate == Fraction(1, 3)
