"""A miner's day in whole satoshi: who gets how much of its gross. Integers only, no I/O.

    gross ─┬─ pool commission ── of which: referral
           ├─ operator commissions
           └─ reward ─┬─ boundary work given (at most the reward)
                      └─ profit sharing (at most what is left of it)

Each of these is exact in parts of a satoshi; what is booked is whole, and the fraction is carried
to the next day. Fractions that no part holds are rounded up: at most 10⁻³⁶ satoshi a day, so that a
third of a satoshi a day is a satoshi on the third day.

A day that changes after it was booked is split again with `before`, what was booked: the difference
of the exact parts goes through the same carries. A line's carry + booked - exact parts is then what
it was before the day, and each version of the day is what it would have been as the first one.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from aggregator.settlement.terms import PPM, Terms
from schemas.money import SAT_PER_BTC
from schemas.windows import DAY_S

PARTS: Final = 10**36
"""Of a satoshi."""


class Line(StrEnum):
    """What an amount is."""

    GROSS = "gross"
    POOL = "pool"
    OPERATOR = "operator"
    REFERRAL = "referral"
    GIFT = "gift"
    GIFT_FEE = "gift_fee"
    SHARING = "sharing"


Key = tuple[Line, int]
"""A line and who or what it is about: the payee, the boundary worker, the sharing."""

Carries = MutableMapping[Key, int]
"""Parts of a satoshi that wait for the rest of one."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Exact, and what is booked of it (fractions of earlier days included)."""

    parts: int = 0
    sat: int = 0


Amounts = Mapping[Key, Amount]


@dataclass(slots=True)
class DaySplit:
    """All amounts of a miner's day; `capped` are keys that got less than agreed."""

    work: int
    amounts: dict[Key, Amount] = field(default_factory=dict)
    capped: list[Key] = field(default_factory=list)

    def sums(self) -> dict[Line, int]:
        """Whole satoshi by line."""
        return sum_by_line({key: amount.sat for key, amount in self.amounts.items()})

    def sat(self, line: Line) -> int:
        return self.sums()[line]

    @property
    def reward_sat(self) -> int:
        sums = self.sums()
        return sums[Line.GROSS] - sums[Line.POOL] - sums[Line.OPERATOR]


def sum_by_line(sats: Mapping[Key, int]) -> dict[Line, int]:
    """All lines, those that nothing is about too."""
    sums = dict.fromkeys(Line, 0)
    for (line, _), sat in sats.items():
        sums[line] += sat
    return sums


def gross_parts(rate: Fraction, work: int) -> int:
    """Parts of a satoshi for `work` hashes at a rate in BTC per H/s and day."""
    return _ratio(work * SAT_PER_BTC * PARTS * rate.numerator, DAY_S * rate.denominator)


def split(
    work: Mapping[int, int],
    terms: Terms,
    rate: Fraction,
    *,
    carries: Carries,
    before: Amounts | None = None,
) -> DaySplit:
    """`work` is in hashes by operator (0: none). Changes `carries`."""
    found = DaySplit(sum(work.values()))
    book = _Book(found, carries, before or {})
    gross = gross_parts(rate, found.work)
    gross_sat = book.add((Line.GROSS, 0), gross)
    multiplier = PPM if terms.referral is None else terms.referral.pool_ppm
    pool = _ratio(gross * terms.pool_fee.ppm * multiplier, PPM * PPM)
    pool_sat = book.add((Line.POOL, terms.pool_id), pool, limit_sat=gross_sat)
    left_sat, operators = gross_sat - pool_sat, 0
    for operator_id in sorted(terms.operators):
        share = gross_parts(rate, work.get(operator_id, 0)) * terms.operators[operator_id].ppm
        # Fees that are together above 1 take the whole gross of the day, and nothing of the next.
        parts = min(_ratio(share, PPM), gross - pool - operators)
        left_sat -= book.add((Line.OPERATOR, operator_id), parts, limit_sat=left_sat)
        operators += parts
    if terms.referral is not None:
        parts = _ratio(gross * terms.pool_fee.ppm * terms.referral.referrer_ppm, PPM * PPM)
        book.add((Line.REFERRAL, terms.referral.referrer_id), parts, limit_sat=pool_sat)
    moved_sat = 0
    if terms.gifts:
        net = Fraction(max(0, gross - pool - operators), gross) if gross else Fraction(0)
        moved_sat = _give(book, terms, rate, net=net, reward_sat=left_sat)
    _share(book, terms, reward_sat=left_sat, left_sat=left_sat - moved_sat)
    book.drop_the_rest()
    return found


def _give(book: _Book, terms: Terms, rate: Fraction, *, net: Fraction, reward_sat: int) -> int:
    """Boundary work at the donor's net rate, less the commission that stays; what moved in all."""
    values = {
        (Line.GIFT, gift.worker_id): _ratio(
            gross_parts(rate, gift.work) * net.numerator, net.denominator
        )
        for gift in terms.gifts
    }
    given = book.add_all(values, limit_sat=reward_sat)
    moved_sat = 0
    for gift in terms.gifts:
        value_sat = given[Line.GIFT, gift.worker_id]
        fee = _ratio(value_sat * PARTS * gift.fee.ppm, PPM)
        fee_sat = book.add((Line.GIFT_FEE, gift.worker_id), fee, limit_sat=value_sat)
        moved_sat += value_sat - fee_sat
    return moved_sat


def _share(book: _Book, terms: Terms, *, reward_sat: int, left_sat: int) -> None:
    book.add_all(
        {
            (Line.SHARING, one.sharing_id): _ratio(reward_sat * PARTS * one.rate_ppm, PPM)
            for one in terms.sharings
        },
        limit_sat=left_sat,
    )


@dataclass(slots=True)
class _Book:
    """Turns exact parts into whole satoshi, by the carries and what was booked before."""

    found: DaySplit
    carries: Carries
    before: Amounts

    def add(self, key: Key, parts: int, *, limit_sat: int | None = None) -> int:
        """What this line comes to in all: within 0 and the limit; the rest is carried."""
        before = self.before.get(key, Amount())
        owed = self.carries.get(key, 0) + parts - before.parts
        sat = max(0, before.sat + owed // PARTS)
        if limit_sat is not None:
            sat = min(sat, limit_sat)
        self._set(key, Amount(parts, sat), owed - (sat - before.sat) * PARTS)
        return sat

    def add_all(self, wanted: Mapping[Key, int], *, limit_sat: int) -> dict[Key, int]:
        """All of them, or each its share of the limit; what is beyond that is not owed on."""
        sats = {key: self.add(key, parts) for key, parts in wanted.items()}
        total_sat = sum(sats.values())
        if total_sat <= limit_sat:
            return sats
        for key, sat in sats.items():
            carried = self.carries[key] + sat * PARTS - wanted[key]
            sats[key] = sat * limit_sat // total_sat
            self._set(key, Amount(sats[key] * PARTS, sats[key]), carried)
            self.found.capped.append(key)
        return sats

    def drop_the_rest(self) -> None:
        """What was booked before and is in nobody's terms any more goes back."""
        for key in self.before:
            if key not in self.found.amounts:
                self.add(key, 0)

    def _set(self, key: Key, amount: Amount, carry: int) -> None:
        self.found.amounts[key] = amount
        self.carries[key] = carry


def _ratio(numerator: int, denominator: int) -> int:
    """Rounded up."""
    return -(-numerator // denominator)
