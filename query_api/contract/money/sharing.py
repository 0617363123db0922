"""Shapes of profit sharing, referrals and reward rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Field

from query_api.contract.figures import Rate
from query_api.contract.money.amounts import Fee, json_number
from query_api.contract.money.fees import FeeNumber, midnight_text
from query_api.contract.money.wallets import Currency
from query_api.contract.requests import Body
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339
from schemas.money import CURRENCY, decimal_text
from schemas.units import format_hps
from schemas.windows import DAY_S

SharingType = Literal["profit_sharing", "referral"]
Multiplier = Annotated[str, Field(description="Of the pool's fee.", examples=["0.9"])]


class Recipient(Shape):
    id: UUID
    account_name: str


class ProfitSharing(Shape):
    rate: FeeNumber
    type: SharingType
    recipient: Recipient
    valid_from: datetime
    valid_until: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        until = row["valid_until"]
        return {
            "rate": json_number(row["rate"]),
            "type": row["type"],
            "recipient": {"id": str(row["recipient_uid"]), "account_name": row["account_name"]},
            "valid_from": midnight_text(row["valid_from"]),
            "valid_until": None if until is None else midnight_text(until),
        }


class ProfitSharingList(Shape):
    data: list[ProfitSharing]


class ProfitSharingHistory(Page):
    data: list[ProfitSharing]


class NewProfitSharing(Body):
    rate: Fee
    type: SharingType


class ReferralPolicy(Shape):
    pool_rate_multiplier: Multiplier
    referrer_reward_multiplier: Multiplier


class ReferrerCode(Shape):
    code: Annotated[str, Field(pattern=r"^hfrc_[A-Z0-9]{8}$", examples=["hfrc_XZKKINF0"])]
    pool_flat_rate: FeeNumber
    policy: ReferralPolicy

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "code": row["code"],
            "pool_flat_rate": json_number(row["pool_fee"]),
            "policy": {
                "pool_rate_multiplier": decimal_text(row["pool_rate_multiplier"]),
                "referrer_reward_multiplier": decimal_text(row["referrer_reward_multiplier"]),
            },
        }


class ReferrerCodeList(Shape):
    data: list[ReferrerCode]


class ReferralHashrate(Shape):
    day: Rate
    week: Rate
    month: Rate


class Referral(Shape):
    """A miner that registered with a code; who it is stays with the pool."""

    id: UUID
    rate: Annotated[str, Field(description="Share of its gross that the referrer gets.")]
    hashrate: ReferralHashrate
    registered_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        spans = {"day": 1, "week": 7, "month": 30}
        return {
            "id": str(row["uid"]),
            "rate": decimal_text(row["rate"]),
            "hashrate": {
                name: format_hps(row[f"accepted_{name}"] or 0.0, days * DAY_S)
                for name, days in spans.items()
            },
            "registered_at": rfc3339(row["registered_at"]),
        }


class ReferralList(Page):
    data: list[Referral]


class RewardRate(Shape):
    date: dt.date
    currency: Currency
    rate: Annotated[
        str, Field(description="BTC per TH/s and day, cut to 8 decimals.", examples=["0.00000367"])
    ]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "date": row["day"].isoformat(),
            "currency": CURRENCY,
            "rate": f"{row['rate_per_th']:.8f}",
        }


class RewardRates(Shape):
    rates: list[RewardRate]


class RewardRateDetails(RewardRate):
    scheme: Annotated[str, Field(examples=["fpps"])]
    exact_rate: Annotated[str, Field(description="BTC per H/s and day.")]
    subsidy_rate: Annotated[str, Field(description="The same without transaction fees.")]
    fee_ratio: Annotated[str, Field(description="Transaction fees as a share of the subsidies.")]
    blocks: Annotated[list[Any], Field(description="Blocks behind the rate.")]
    dropped: Annotated[list[Any], Field(description="Blocks whose fees were left out.")]
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return RewardRate.from_row(row) | {
            "scheme": row["scheme"],
            "exact_rate": decimal_text(row["rate"]),
            "subsidy_rate": decimal_text(row["subsidy_rate"]),
            "fee_ratio": decimal_text(row["fee_ratio"]),
            # JSON of the database, as it is.
            "blocks": orjson.Fragment(row["blocks"]),
            "dropped": orjson.Fragment(row["dropped"]),
            "created_at": rfc3339(row["created_at"]),
        }
