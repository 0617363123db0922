"""Fee schedules: which entries a request may set, and what stands after it.

An entry is in force from 00:00 UTC of its `valid_from` until the next one begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from query_api.http.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class FeeEntry:
    """A fee from a day on."""

    valid_from: date
    fee: Decimal
    comment: str = ""


def check_new_entries(entries: Sequence[FeeEntry], *, tomorrow: date) -> None:
    """InvalidInputError names the first entry that begins too early or out of order."""
    previous: date | None = None
    for number, entry in enumerate(entries):
        where = f"body schedule {number} valid_from"
        if entry.valid_from < tomorrow:
            raise InvalidInputError(f"{where}: must not be before tomorrow UTC, {tomorrow}")
        if previous is not None and entry.valid_from <= previous:
            raise InvalidInputError(f"{where}: must be after the date of the entry before it")
        previous = entry.valid_from


def replaced(live: Sequence[FeeEntry], new: Sequence[FeeEntry]) -> list[FeeEntry]:
    """The schedule after `new` took the place of what begins on its first date or later."""
    return [entry for entry in live if entry.valid_from < new[0].valid_from] + list(new)


def fee_on(schedule: Sequence[FeeEntry], day: date) -> Decimal:
    """The fee in force on a day; 0 before the first entry. Entries ascend."""
    fee = Decimal(0)
    for entry in schedule:
        if entry.valid_from <= day:
            fee = entry.fee
    return fee


def first_day_above_one(
    first: Sequence[FeeEntry], second: Sequence[FeeEntry], *, since: date
) -> date | None:
    """The first day from `since` on when two fees of the same miner take more than it earns."""
    starts = {entry.valid_from for entry in (*first, *second) if entry.valid_from > since}
    for day in sorted(starts | {since}):
        if fee_on(first, day) + fee_on(second, day) > 1:
            return day
    return None
