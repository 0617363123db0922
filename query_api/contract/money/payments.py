"""Shapes of payments: in lists, and one explained."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from query_api.contract.money.earnings import Amount
from query_api.contract.money.wallets import Currency
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339
from schemas.money import CURRENCY, btc_text, decimal_text


class PaymentType(StrEnum):
    """Kinds of payments, as the document names them."""

    REWARD = "reward"
    PAYOUT = "payout"
    PROFIT_SHARING = "profit_sharing"
    VIRTUAL_MINING_TRANSFER = "virtual_mining_transfer"
    VIRTUAL_MINING_REWARD = "virtual_mining_reward"
    TRANSFER = "transfer"


class PaymentMetadata(Shape):
    """Only what the payment has: a reward has a rate, a payout its transaction."""

    rate: Annotated[
        str | None,
        Field(description="BTC per H/s and day.", examples=["0.00000000000000000282"]),
    ] = None
    hashrate: Annotated[
        str | None,
        Field(description="Of the day, whole hashes per second.", examples=["178469469608370"]),
    ] = None
    description: str | None = None
    tx_hash: Annotated[str | None, Field(description="Of a payout.")] = None
    corrects: Annotated[UUID | None, Field(description="The payment that this one corrects.")] = (
        None
    )


class Payment(Shape):
    type: PaymentType
    id: UUID
    direction: Literal["incoming", "outgoing"]
    currency: Currency
    amount: Amount
    status: Annotated[str, Field(examples=["completed"])]
    created_at: Annotated[datetime, Field(description="When it was booked.")]
    effective_at: Annotated[datetime, Field(description="Start of the day that it is for.")]
    metadata: PaymentMetadata

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "type": row["type"],
            "id": str(row["id"]),
            "direction": row["direction"],
            "currency": CURRENCY,
            "amount": btc_text(row["amount_sat"]),
            "status": row["status"],
            "created_at": rfc3339(row["created_at"]),
            "effective_at": rfc3339(row["effective_at"]),
            "metadata": _metadata(row),
        }


class PaymentList(Page):
    data: list[Payment]


def hashrate_text(row: Mapping[str, Any]) -> str:
    """Whole hashes per second, or nothing."""
    return "" if row["hashrate"] is None else f"{row['hashrate']:.0f}"


def rate_text(row: Mapping[str, Any]) -> str:
    return "" if row["rate"] is None else decimal_text(row["rate"])


def _metadata(row: Mapping[str, Any]) -> JsonObject:
    metadata = {
        "rate": rate_text(row),
        "hashrate": hashrate_text(row),
        "description": row["description"] or "",
        "tx_hash": row["tx_hash"] or "",
        "corrects": str(row["corrects"] or ""),
    }
    return {name: value for name, value in metadata.items() if value}
