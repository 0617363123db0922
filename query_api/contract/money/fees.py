"""Shapes of fee schedules and of tariff plans, the older view of the same schedule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Annotated, Any

from pydantic import Field

from query_api.contract.money.amounts import Fee, json_number
from query_api.contract.requests import Body
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339
from query_api.routes.params import Day
from schemas.names.titles import ONE_LINE, TITLE_MAX

FeeNumber = Annotated[float, Field(description="A share: 0.01 is 1 %.", examples=[0.009])]
Comment = Annotated[
    str, Field(max_length=TITLE_MAX, pattern=ONE_LINE, examples=["New tariff plan"])
]


class FeePeriod(Shape):
    """A commission and its days; both dates are UTC, and the second one is no longer in it."""

    fee: FeeNumber
    valid_from: dt.date
    valid_until: dt.date | None
    comment: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        until = row["valid_until"]
        return {
            "fee": json_number(row["fee"]),
            "valid_from": row["valid_from"].isoformat(),
            "valid_until": None if until is None else until.isoformat(),
            "comment": row["comment"] or "",
        }


class FeeSchedule(Page):
    data: list[FeePeriod]


class FeeChange(Shape):
    """An entry of a schedule as somebody made it; a later one may have replaced it."""

    fee: FeeNumber
    valid_from: dt.date
    comment: str
    created_at: datetime
    created_by: str
    replaced_at: datetime | None
    replaced_by: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        replaced_at = row["superseded_at"]
        return {
            "fee": json_number(row["fee"]),
            "valid_from": row["valid_from"].isoformat(),
            "comment": row["comment"] or "",
            "created_at": rfc3339(row["created_at"]),
            "created_by": row["created_by"],
            "replaced_at": None if replaced_at is None else rfc3339(replaced_at),
            "replaced_by": row["superseded_by"],
        }


class FeeHistory(Page):
    data: list[FeeChange]


class TariffPlanPeriod(Shape):
    rate: FeeNumber
    valid_from: datetime
    valid_until: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        until = row["valid_until"]
        return {
            "rate": json_number(row["fee"]),
            "valid_from": midnight_text(row["valid_from"]),
            "valid_until": None if until is None else midnight_text(until),
        }


class TariffPlan(Shape):
    current: TariffPlanPeriod | None
    future: TariffPlanPeriod | None


class DefaultFee(Shape):
    fee: Annotated[str, Field(examples=["0.005"])]


class NewFeePeriod(Body):
    valid_from: Day
    fee: Fee
    comment: Comment = ""


class NewFeeSchedule(Body):
    """Replaces what lies in the future, from its first date on."""

    schedule: Annotated[list[NewFeePeriod], Field(min_length=1, max_length=100)]


class NewTariffPlan(Body):
    rate: Fee


class NewDefaultFee(Body):
    fee: Fee


def midnight_text(day: dt.date) -> str:
    return rfc3339(datetime.combine(day, time(), UTC))
