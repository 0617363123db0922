"""The minutes of a boundary worker: a pure, exact function of its schedule."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.units import HASHES_PER_DIFFICULTY

MINUTE_US: Final = 60_000_000
_FOREVER_US: Final = 2**62


@dataclass(frozen=True, slots=True)
class Schedule:
    """When which nominal hashrate is in force; instants in microseconds since the epoch.

    `rates` are (valid from, hashes per second), ascending; the first one counts from `created_us`
    on at the earliest, the last one until `disconnected_us`, if any.
    """

    worker_id: int
    miner_id: int
    operator_id: int | None
    created_us: int
    disconnected_us: int | None
    rates: tuple[tuple[int, Decimal], ...]

    @property
    def first_minute(self) -> int:
        return self.created_us // MINUTE_US

    @property
    def end_minute(self) -> int | None:
        """The minute after the last one with work; None while it is connected."""
        if self.disconnected_us is None:
            return None
        return -(-self.disconnected_us // MINUTE_US)

    def changes_since(self, minute: int) -> int | None:
        """The minute of the first change of rate, or of the disconnection, at or after `minute`."""
        instants_us = [valid_from_us for valid_from_us, _ in self.rates]
        if self.disconnected_us is not None:
            instants_us.append(self.disconnected_us)
        minutes = [instant_us // MINUTE_US for instant_us in instants_us]
        return min((changed for changed in minutes if changed >= minute), default=None)


def nominal_difficulty(schedule: Schedule, first: int, end: int) -> NDArray[np.float64]:
    """Difficulty of each minute of [first, end): nominal × seconds in force ÷ 2^32.

    Rational arithmetic, rounded once to float64: the same however the span is cut.
    """
    difficulty = np.zeros(max(0, end - first))
    edges: dict[int, Fraction] = {}
    for from_us, to_us, hashes_per_us in _segments(schedule):
        from_us, to_us = max(from_us, first * MINUTE_US), min(to_us, end * MINUTE_US)
        if from_us >= to_us:
            continue
        whole_from, whole_to = -(-from_us // MINUTE_US), to_us // MINUTE_US
        difficulty[max(0, whole_from - first) : max(0, whole_to - first)] = float(
            hashes_per_us * MINUTE_US / HASHES_PER_DIFFICULTY
        )
        for minute in {from_us // MINUTE_US, (to_us - 1) // MINUTE_US}:
            if whole_from <= minute < whole_to:
                continue
            inside_us = min(to_us, (minute + 1) * MINUTE_US) - max(from_us, minute * MINUTE_US)
            edges[minute] = edges.get(minute, Fraction(0)) + hashes_per_us * inside_us
    for minute, hashes in edges.items():
        difficulty[minute - first] = float(hashes / HASHES_PER_DIFFICULTY)
    return difficulty


def _segments(schedule: Schedule) -> list[tuple[int, int, Fraction]]:
    """(from, to, hashes per microsecond) of each rate while it is in force."""
    end_us = _FOREVER_US if schedule.disconnected_us is None else schedule.disconnected_us
    starts_us = [*(valid_from_us for valid_from_us, _ in schedule.rates), _FOREVER_US]
    return [
        (max(from_us, schedule.created_us), min(to_us, end_us), Fraction(rate) / 1_000_000)
        for (from_us, to_us), (_, rate) in zip(pairwise(starts_us), schedule.rates, strict=True)
    ]
