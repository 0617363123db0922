"""What the three relations with fees have in common: five operations on one schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fastapi import Response

from query_api.auth.caller import Caller
from query_api.contract.money.fees import (
    FeeChange,
    FeePeriod,
    NewFeeSchedule,
    NewTariffPlan,
    TariffPlanPeriod,
)
from query_api.contract.shape import page_of
from query_api.database import Row
from query_api.dependencies import Context
from query_api.http.responses import json_response, no_content
from query_api.money.schedule import FeeEntry
from query_api.store.money import fees
from query_api.store.money.fees import FeeKey, Relation


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Rows of a schedule, seen on a day."""

    rows: Sequence[Row]
    today: date

    @property
    def current(self) -> Row | None:
        begun = [row for row in self.rows if row["valid_from"] <= self.today]
        return begun[-1] if begun else None

    @property
    def future(self) -> Row | None:
        return next((row for row in self.rows if row["valid_from"] > self.today), None)


async def schedule_page(context: Context, key: FeeKey, *, limit: int, offset: int) -> Response:
    rows = await fees.schedule(context.database, key)
    items = [FeePeriod.from_row(row) for row in rows[offset : offset + limit]]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=len(rows)))


async def history_page(context: Context, key: FeeKey, *, limit: int, offset: int) -> Response:
    rows = await fees.history(context.database, key, limit=limit, offset=offset)
    total = rows[0]["total_count"] if rows else 0
    items = [FeeChange.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


async def current_fee(context: Context, key: FeeKey) -> Response:
    seen = await _seen(context, key)
    return json_response(FeePeriod.from_row(seen.current or await _nothing_yet(context, key, seen)))


async def tariff_plan(context: Context, key: FeeKey) -> Response:
    seen = await _seen(context, key)
    current = seen.current or await _nothing_yet(context, key, seen)
    future = seen.future
    return json_response(
        {
            "current": TariffPlanPeriod.from_row(current),
            "future": None if future is None else TariffPlanPeriod.from_row(future),
        }
    )


async def change_schedule(
    context: Context, caller: Caller, key: FeeKey, body: NewFeeSchedule
) -> Response:
    entries = [FeeEntry(each.valid_from, each.fee, each.comment) for each in body.schedule]
    await fees.replace_from(context.database, key, entries, who=caller.name)
    return no_content()


async def change_tariff_plan(
    context: Context, caller: Caller, key: FeeKey, body: NewTariffPlan
) -> Response:
    await fees.replace_tomorrow(context.database, key, body.rate, who=caller.name)
    return await tariff_plan(context, key)


async def _seen(context: Context, key: FeeKey) -> _Schedule:
    rows = await fees.schedule(context.database, key)
    return _Schedule(rows, await fees.today(context.database))


async def _nothing_yet(context: Context, key: FeeKey, seen: _Schedule) -> Row:
    """What was never agreed is nothing: miners that give each other hashrate need no fee."""
    assert key.relation is Relation.RECIPIENT_DONOR  # the others have a first entry from the start
    until = None if seen.future is None else seen.future["valid_from"]
    begun = await fees.begun_on(context.database, key)
    return {"fee": Decimal(0), "valid_from": begun, "valid_until": until, "comment": ""}
