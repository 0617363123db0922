"""What everybody is owed, the plain way: fractions, no tables, no chunks, no versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

Line = tuple[Any, ...]
Booked = dict[Line, tuple[Fraction, int]]
"""Each line of a miner's day: what it is worth exactly, and the satoshi booked for it."""
REFERRED_PAYS, REFERRER_GETS = Fraction(9, 10), Fraction(1, 10)


@dataclass
class PlainMoney:
    """`counted` is accepted difficulty by (day, miner) and operator."""

    pool: int
    referrers: dict[int, int]
    rates: dict[int, Fraction] = field(default_factory=dict)
    fees: dict[tuple[int, int, int], Fraction] = field(default_factory=dict)
    """By payer, payee and the day from which it counts."""
    sharings: dict[int, tuple[int, int, Fraction, int]] = field(default_factory=dict)
    """By id: donor, recipient, rate, first day."""
    counted: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    settled: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    booked: dict[tuple[int, int], Booked] = field(default_factory=dict)
    carries: dict[int, dict[Line, Fraction]] = field(default_factory=dict)
    earned: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    spent: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def settle(self, day: int) -> tuple[int, int]:
        """Book what was counted and is not booked yet: how many miners were, how many wait."""
        changed = [
            (at, miner)
            for at, miner in sorted(self.counted)
            if at == day and self.counted[at, miner] != self.settled.get((at, miner))
        ]
        done = [self._book(day, miner) for _, miner in changed]
        return done.count(True), done.count(False)

    def _book(self, day: int, miner: int) -> bool:
        before, carries = self.booked.get((day, miner), {}), dict(self.carries.get(miner, {}))
        now, gains = self._split(day, miner, before, carries)
        for line, (_, sat) in before.items():
            for party, sign in self._parties(miner, line):
                gains[party] -= sign * sat
        if any(self.available(party) + gain < 0 for party, gain in gains.items()):
            return False
        for party, gain in gains.items():
            self.earned[party] += gain
        self.booked[day, miner], self.carries[miner] = now, carries
        self.settled[day, miner] = dict(self.counted[day, miner])
        return True

    def _split(
        self, day: int, miner: int, before: Booked, carries: dict[Line, Fraction]
    ) -> tuple[Booked, dict[int, int]]:
        now: Booked = {}

        def add(line: Line, exact: Fraction, limit: int | None = None) -> int:
            was, had = before.get(line, (Fraction(0), 0))
            owed = carries.get(line, Fraction(0)) + exact - was
            sat = max(0, had + floor(owed))
            now[line] = exact, sat if limit is None else min(sat, limit)
            carries[line] = owed - (now[line][1] - had)
            return now[line][1]

        work, rate = self.counted[day, miner], self.rates[day]
        gross = sum(work.values()) * rate
        pool_fee = self._fee(miner, self.pool, day)
        referrer = self.referrers.get(miner)
        left = add(("gross",), gross)
        pays = pool_fee * REFERRED_PAYS if referrer else pool_fee
        pool = add(("pool",), gross * pays, left)
        left -= pool
        for operator in sorted(work):
            if operator:
                fee = self._fee(miner, operator, day)
                left -= add(("operator", operator), work.get(operator, 0) * rate * fee, left)
        if referrer:
            add(("referral", referrer), gross * pool_fee * REFERRER_GETS, pool)
        self._share(day, miner, left, add, now, carries)
        gains: dict[int, int] = defaultdict(int)
        for line, (_, sat) in now.items():
            for party, sign in self._parties(miner, line):
                gains[party] += sign * sat
        return now, gains

    def _share(
        self,
        day: int,
        miner: int,
        reward: int,
        add: Any,
        now: Booked,
        carries: dict[Line, Fraction],
    ) -> None:
        """Each its rate of the reward; together at most all of it."""
        mine = {
            ("sharing", number, recipient): reward * rate
            for number, (donor, recipient, rate, first) in sorted(self.sharings.items())
            if donor == miner and first <= day
        }
        given = {line: add(line, exact) for line, exact in mine.items()}
        if (total := sum(given.values())) > reward:
            for line, exact in mine.items():
                carries[line] += given[line] - exact
                sat = given[line] * reward // total
                now[line] = Fraction(sat), sat

    def _parties(self, miner: int, line: Line) -> Iterable[tuple[int, int]]:
        """Who gains (1) and who loses (-1) the satoshi of a line."""
        match line:
            case ("gross",):
                return [(miner, 1)]
            case ("pool",):
                return [(self.pool, 1), (miner, -1)]
            case ("operator", operator):
                return [(operator, 1), (miner, -1)]
            case ("referral", referrer):
                return [(referrer, 1), (self.pool, -1)]
            case _:
                return [(line[2], 1), (miner, -1)]

    def _fee(self, payer: int, payee: int, day: int) -> Fraction:
        entries = [
            (at, fee)
            for (one, other, at), fee in self.fees.items()
            if (one, other) == (payer, payee)
        ]
        in_force = [entry for entry in entries if entry[0] <= day]
        return max(in_force)[1] if in_force else Fraction(0)

    def available(self, party: int) -> int:
        return self.earned[party] - self.spent[party]

    def gross_sat(self) -> int:
        return sum(lines["gross",][1] for lines in self.booked.values())
