"""Shapes of what explains a payment: the settled day behind it, and its difference to another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from query_api.contract.money.amounts import json_number
from query_api.contract.money.earnings import Amount
from query_api.contract.money.fees import FeeNumber
from query_api.contract.money.payments import Payment
from query_api.contract.money.sharing import RewardRateDetails
from query_api.contract.shape import JsonObject, Page, Shape, page_of
from query_api.http.timestamps import rfc3339
from query_api.money.comparison import DayFactors, Part
from query_api.store.money.explanations import SettledDay
from schemas.money import SAT_PER_BTC, btc_text
from schemas.windows import DAY_S

LineType = Literal[
    "gross",
    "pool_commission",
    "operator_commission",
    "referral",
    "virtual_mining_transfer",
    "virtual_mining_fee",
    "profit_sharing",
]
_TYPES = {
    "gross": "gross",
    "pool": "pool_commission",
    "operator": "operator_commission",
    "referral": "referral",
    "gift": "virtual_mining_transfer",
    "gift_fee": "virtual_mining_fee",
    "sharing": "profit_sharing",
}


class Side(Shape):
    id: UUID
    name: str


class ScheduleEntry(Shape):
    """What set a deduction."""

    fee: FeeNumber
    valid_from: dt.date
    comment: str
    created_by: str
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "fee": json_number(row["fee"]),
            "valid_from": row["valid_from"].isoformat(),
            "comment": row["comment"],
            "created_by": row["created_by"],
            "created_at": rfc3339(row["created_at"]),
        }


class ExplainedLine(Shape):
    """Referral is a part of the pool's commission, which the referrer gets."""

    type: LineType
    amount: Amount
    other_side: Side | None
    entry: ScheduleEntry | None


class ExplainedWorker(Shape):
    id: UUID
    name: str
    operator_id: UUID | None
    minutes: Annotated[int, Field(description="Minutes with shares in them.")]
    work: Annotated[str, Field(description="Accepted hashes.")]
    rejected_work: Annotated[str, Field(description="Refused hashes.")]
    hashrate: Annotated[str, Field(description="Of the whole day, whole hashes per second.")]
    gross: Annotated[Amount, Field(description="Cut to a satoshi; fractions are carried.")]


class ExplainedWorkers(Page):
    data: list[ExplainedWorker]


class VersionAmounts(Shape):
    gross: Amount
    pool_commission: Amount
    operator_commission: Amount
    reward: Amount


class ExplainedDay(Shape):
    """gross less pool_commission and operator_commission is reward, to the satoshi."""

    date: dt.date
    version: Annotated[int, Field(description="1 is what was settled first.")]
    settled_at: datetime
    rate: RewardRateDetails
    work: Annotated[str, Field(description="Accepted hashes of all workers.")]
    amounts: VersionAmounts
    before: Annotated[
        VersionAmounts | None, Field(description="Of the version that this one corrects.")
    ]
    limited: Annotated[bool, Field(description="What was given is limited by the reward.")]
    lines: list[ExplainedLine]
    workers: ExplainedWorkers

    @classmethod
    def of(cls, day: SettledDay, *, limit: int, offset: int) -> JsonObject:
        row = day.row
        rate = Fraction(day.rate["rate"])
        workers = [_worker(each, rate) for each in day.workers]
        return {
            "date": row["day"].isoformat(),
            "version": row["version"],
            "settled_at": rfc3339(row["created_at"]),
            "rate": RewardRateDetails.from_row(day.rate),
            "work": f"{row['work']:.0f}",
            "amounts": _amounts(row, ""),
            "before": None if row["before_gross_sat"] is None else _amounts(row, "before_"),
            "limited": day.capped,
            "lines": [_line(day, line) for line in day.lines],
            "workers": page_of(workers, limit=limit, offset=offset, total_count=day.workers_total),
        }


class ExplainedPayment(Shape):
    payment: Payment
    counterparty: Side | None
    settlement: ExplainedDay | None


class DifferencePart(Shape):
    part: Part
    amount: Amount


class ComparedDay(Shape):
    date: dt.date
    total: Amount
    reward: Amount
    transfers: Amount

    @classmethod
    def of(cls, day: dt.date, factors: DayFactors) -> JsonObject:
        return {
            "date": day.isoformat(),
            "total": btc_text(factors.total_sat),
            "reward": btc_text(factors.reward_sat),
            "transfers": btc_text(factors.transfers_sat),
        }


class Comparison(Shape):
    """The parts sum to the difference, to the satoshi."""

    before: ComparedDay
    after: ComparedDay
    difference: Amount
    parts: list[DifferencePart]


def _amounts(row: Mapping[str, Any], version: str) -> JsonObject:
    return {
        "gross": btc_text(row[f"{version}gross_sat"]),
        "pool_commission": btc_text(row[f"{version}pool_sat"]),
        "operator_commission": btc_text(row[f"{version}operator_sat"]),
        "reward": btc_text(row[f"{version}reward_sat"]),
    }


def _line(day: SettledDay, line: Mapping[str, Any]) -> JsonObject:
    kind = line["line"]
    side = day.sides.get(("gift" if kind == "gift_fee" else kind, line["about"]))
    entry = day.entries.get(line.get("entry", 0))
    return {
        "type": _TYPES[kind],
        "amount": btc_text(line["sat"]),
        "other_side": None if side is None else {"id": str(side["uid"]), "name": side["name"]},
        "entry": None if entry is None else ScheduleEntry.from_row(entry),
    }


def _worker(row: Mapping[str, Any], rate: Fraction) -> JsonObject:
    operator = row["operator_uid"]
    work = int(row["work"])
    return {
        "id": str(row["uid"]),
        "name": row["name"],
        "operator_id": None if operator is None else str(operator),
        "minutes": row["minutes"],
        "work": str(work),
        "rejected_work": f"{row['rejected_work']:.0f}",
        "hashrate": str((work + DAY_S // 2) // DAY_S),
        "gross": btc_text(int(rate * work * SAT_PER_BTC / DAY_S)),
    }
