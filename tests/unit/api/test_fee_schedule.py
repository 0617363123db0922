"""Fee schedules: what may be set, what is in force."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from query_api.http.errors import InvalidInputError
from query_api.money.schedule import (
    FeeEntry,
    check_new_entries,
    fee_on,
    first_day_above_one,
    replaced,
)

TOMORROW = date(2026, 11, 29)


def entry(day: int, fee: str) -> FeeEntry:
    return FeeEntry(date(2026, 12, day), Decimal(fee))


@pytest.mark.parametrize(
    ("days", "fault"),
    [
        (
            [date(2026, 11, 28)],
            "schedule 0 valid_from: must not be before tomorrow UTC",
        ),
        ([date(2026, 12, 2), date(2026, 12, 2)], "schedule 1 valid_from: must be after"),
        ([date(2026, 12, 2), date(2026, 12, 1)], "schedule 1 valid_from: must be after"),
    ],
)
def test_dates_ascend_from_tomorrow_on(days, fault):
    entries = [FeeEntry(day, Decimal(0)) for day in days]
    with pytest.raises(InvalidInputError, match=fault):
        check_new_entries(entries, tomorrow=TOMORROW)


def test_tomorrow_is_early_enough():
    check_new_entries([FeeEntry(TOMORROW, Decimal(0))], tomorrow=TOMORROW)


def test_new_entries_replace_what_begins_on_their_first_date_or_later():
    live = [entry(1, "0.1"), entry(5, "0.2"), entry(9, "0.3")]
    assert replaced(live, [entry(5, "0.4")]) == [entry(1, "0.1"), entry(5, "0.4")]
    assert replaced(live, [entry(6, "0.4")]) == [entry(1, "0.1"), entry(5, "0.2"), entry(6, "0.4")]


def test_an_entry_holds_until_the_next_one():
    schedule = [entry(2, "0.1"), entry(5, "0.2")]
    assert [fee_on(schedule, date(2026, 12, day)) for day in (1, 2, 4, 5, 30)] == [
        Decimal(fee) for fee in ("0", "0.1", "0.1", "0.2", "0.2")
    ]


def test_two_fees_above_one_are_found_on_their_first_day():
    pool, operator = [entry(1, "0.5"), entry(9, "0.4")], [entry(5, "0.6")]
    assert first_day_above_one(pool, operator, since=TOMORROW) == date(2026, 12, 5)
    assert first_day_above_one(pool, operator, since=date(2026, 12, 9)) is None
    assert first_day_above_one(pool, operator, since=date(2026, 12, 7)) == date(2026, 12, 7)
