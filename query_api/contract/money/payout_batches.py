"""Shapes of payout batches: lists, one in full, the steps that are asked for, money on hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from query_api.contract.requests import Body
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339, rfc3339_or_none
from schemas.money import btc_text
from schemas.names.titles import ONE_LINE

State = Literal[
    "proposed", "approved", "built", "signed", "broadcast", "confirmed", "final", "cancelled"
]
Btc = Annotated[str, Field(description="BTC with 8 decimals.", examples=["0.00472423"])]


class PayoutBatch(Shape):
    id: UUID
    state: State
    list_hash: Annotated[str, Field(description="Names exactly these payees and amounts.")]
    amount: Btc
    payees: int
    left_out: int
    confirmations: int
    stopped: Annotated[str | None, Field(description="Why a person is needed.")]
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["id"]),
            "state": row["state"],
            "list_hash": row["list_hash"],
            "amount": btc_text(row["total_sat"]),
            "payees": row["payees"],
            "left_out": row["left_out"],
            "confirmations": row["confirmations"],
            "stopped": row["stopped"],
            "created_at": rfc3339(row["created_at"]),
        }


class PayoutBatchList(Page):
    data: list[PayoutBatch]


class PayoutItem(Shape):
    payee: str
    address: str
    amount: Btc

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        amount = btc_text(row["amount_sat"])
        return {"payee": row["payee"], "address": row["address"], "amount": amount}


class PayoutLeftOut(Shape):
    payee: str
    amount: Btc
    reason: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        amount = btc_text(row["amount_sat"])
        return {"payee": row["payee"], "amount": amount, "reason": row["reason"]}


class PayoutTransaction(Shape):
    txid: str
    version: int
    state: str
    fee: Btc
    fee_rate: Annotated[int, Field(description="sat/vB.")]
    confirmations: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "txid": row["txid"],
            "version": row["version"],
            "state": row["state"],
            "fee": btc_text(row["fee_sat"]),
            "fee_rate": row["fee_rate_sat_vb"],
            "confirmations": row["confirmations"],
        }


class PayoutStep(Shape):
    at: datetime
    step: str
    by: str
    detail: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "at": rfc3339(row["done_at"]),
            "step": row["step"],
            "by": row["done_by"],
            "detail": row["detail"],
        }


class WholePayoutBatch(PayoutBatch):
    items: list[PayoutItem]
    not_paid: list[PayoutLeftOut]
    transactions: list[PayoutTransaction]
    steps: list[PayoutStep]


class PayoutRequest(Shape):
    id: UUID
    outcome: Annotated[
        Literal["done"] | None, Field(description="null: it waits to be carried out.")
    ]
    message: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {"id": str(row["id"]), "outcome": row["outcome"], "message": row["message"]}


class PayoutPsbt(Shape):
    psbt: Annotated[str, Field(description="Base64, to be signed elsewhere.")]


class MoneyOnHand(Shape):
    liabilities: Annotated[Btc, Field(description="Balances that are not reserved.")]
    due: Annotated[Btc, Field(description="Of those, what the next batch would pay.")]
    reserved: Annotated[Btc, Field(description="In batches that are not final.")]
    promised: Annotated[Btc, Field(description="Of those, in batches without coins yet.")]
    spendable: Btc
    locked: Annotated[Btc, Field(description="Coins that batches hold.")]
    waiting: Annotated[Btc, Field(description="Coins that are not deep enough yet.")]
    immature: Annotated[Btc, Field(description="Coinbases that cannot be spent yet.")]
    shortfall: Annotated[Btc, Field(description="What the next batch lacks to pay all, with fee.")]
    unaccounted: Annotated[
        Btc,
        Field(description="The wallet's account less its unspent outputs: 0, or look at once."),
    ]
    seen_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        names = (
            *("liabilities", "due", "reserved", "promised"),
            *("spendable", "locked", "waiting", "immature"),
            *("shortfall", "unaccounted"),
        )
        amounts = {name: btc_text(row[f"{name}_sat"]) for name in names}
        return amounts | {"seen_at": rfc3339_or_none(row["seen_at"])}


class Approval(Body):
    list_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SignedPsbt(Body):
    psbt: Annotated[str, Field(min_length=1, max_length=2_000_000)]


class FeeBump(Body):
    fee_rate: Annotated[int, Field(ge=1, le=10_000, description="sat/vB.")]


class Cancellation(Body):
    reason: Annotated[str, Field(max_length=200, pattern=ONE_LINE)] = ""
