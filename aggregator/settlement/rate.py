"""What a hash per second earns in a day, from the day's blocks. Exact fractions, no I/O.

    r = (1 + φ) · Σ over minutes of 60 · S / (D · 2³²)      BTC per H/s and day

S is the subsidy and D the difficulty in force at a minute: those of the newest block whose median
time is not after it. φ is what fees add to subsidies, over the blocks whose median time lies in the
day, without the highest and the lowest few by fee.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from schemas.money import SAT_PER_BTC
from schemas.windows import DAY_S, MINUTE_S

HASHES_PER_DIFFICULTY: Final = 2**32
RATE_DECIMALS: Final = 63
"""As many as the CSV of payments shows."""
_DIFFICULTY_1_TARGET: Final = 0xFFFF << 208


class Scheme(StrEnum):
    """How a day's rate comes to be."""

    FPPS = "fpps"
    PPS = "pps"
    """Without transaction fees."""
    GIVEN = "given"
    """Entered by a person."""


class NoBlocksError(Exception):
    """The day's blocks are not there; the message says which."""


@dataclass(frozen=True, slots=True)
class Block:
    """What a rate needs of a block. `median_time_s` is that of BIP 113."""

    height: int
    hash: str
    median_time_s: int
    bits: int
    subsidy_sat: int
    fee_sat: int


@dataclass(frozen=True, slots=True)
class DayRate:
    """BTC per H/s and day; `subsidy_rate` is without fees, `fee_ratio` what they add (φ)."""

    scheme: Scheme
    rate: Fraction
    subsidy_rate: Fraction
    fee_ratio: Fraction = Fraction(0)
    blocks: tuple[Block, ...] = ()
    dropped: tuple[Block, ...] = ()


def difficulty_of(bits: int) -> Fraction:
    """From a header's compact target, exactly.

    >>> difficulty_of(0x1D00FFFF)
    Fraction(1, 1)
    """
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    target = Fraction(mantissa) * Fraction(256) ** (size - 3)
    return _DIFFICULTY_1_TARGET / target


def day_rate(
    before: Sequence[Block], blocks: Sequence[Block], *, day_s: int, scheme: Scheme, drop: int
) -> DayRate:
    """The rate of the day that begins at `day_s`.

    `before` holds the newest block before the day, if there is one; `blocks` are the day's, in
    order of height. NoBlocksError without any.
    """
    if not blocks:
        raise NoBlocksError("no block of the day is known")
    subsidy_rate = subsidy_only([*before[-1:], *blocks], day_s=day_s)
    if scheme is Scheme.PPS:
        return DayRate(scheme, subsidy_rate, subsidy_rate, blocks=tuple(blocks))
    kept, dropped = without_extremes(blocks, drop)
    fees = sum(block.fee_sat for block in kept)
    subsidies = sum(block.subsidy_sat for block in kept)
    # A chain past its last halving has fees alone: they come to nothing as a ratio.
    ratio = Fraction(fees, subsidies) if subsidies else Fraction(0)
    return DayRate(
        scheme, (1 + ratio) * subsidy_rate, subsidy_rate, ratio, tuple(blocks), tuple(dropped)
    )


def given_rate(rate: Fraction) -> DayRate:
    """As a person entered it."""
    return DayRate(Scheme.GIVEN, rate, rate)


def subsidy_only(blocks: Sequence[Block], *, day_s: int) -> Fraction:
    """Σ 60 · S / (D · 2³²) over the minutes of the day, in BTC per H/s."""
    minutes = Counter(_in_force(blocks, day_s))
    total = Fraction(0)
    for (subsidy_sat, bits), count in minutes.items():
        per_s = Fraction(subsidy_sat, SAT_PER_BTC * HASHES_PER_DIFFICULTY) / difficulty_of(bits)
        total += count * MINUTE_S * per_s
    return total


def without_extremes(blocks: Sequence[Block], drop: int) -> tuple[list[Block], list[Block]]:
    """Blocks without the `drop` highest and lowest by fee, and those; one stays at least."""
    ordered = sorted(blocks, key=lambda block: (block.fee_sat, block.height))
    drop = min(drop, (len(ordered) - 1) // 2)
    end = len(ordered) - drop
    return ordered[drop:end], ordered[:drop] + ordered[end:]


def cut(value: Fraction, decimals: int = RATE_DECIMALS) -> str:
    """Decimal text, cut, with all its decimals.

    >>> cut(Fraction(2, 3), 4)
    '0.6666'
    """
    whole, rest = divmod(value.numerator * 10**decimals // value.denominator, 10**decimals)
    return f"{whole}.{rest:0{decimals}}"


def _in_force(blocks: Sequence[Block], day_s: int) -> Iterator[tuple[int, int]]:
    """Subsidy and bits at each minute of the day; before the first block, those of the first."""
    newest = 0
    for minute_s in range(day_s, day_s + DAY_S, MINUTE_S):
        while newest + 1 < len(blocks) and blocks[newest + 1].median_time_s <= minute_s:
            newest += 1
        yield blocks[newest].subsidy_sat, blocks[newest].bits
