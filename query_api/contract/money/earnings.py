"""Shapes of earnings: sums of money by currency, and what a day's work will bring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from query_api.contract.money.wallets import Currency
from query_api.contract.shape import JsonObject, Shape
from schemas.money import CURRENCY, btc_text

Amount = Annotated[
    str,
    Field(pattern=r"^-?[0-9]+\.[0-9]{8}$", description="BTC.", examples=["0.00068716"]),
]


class CurrencyAmount(Shape):
    currency: Currency
    amount: Amount


class Amounts(Shape):
    """One entry a currency."""

    data: list[CurrencyAmount]

    @classmethod
    def of(cls, amount_sat: int) -> JsonObject:
        return {"data": [{"currency": CURRENCY, "amount": btc_text(amount_sat)}]}


class ProcessingAmounts(Shape):
    yesterday: Annotated[
        Amount,
        Field(description="Not booked yet; 0 once it is, since the balance has it then."),
    ]
    today: Annotated[Amount, Field(description="The work so far at the newest rate.")]


class CurrencyProcessing(Shape):
    currency: Currency
    amounts: ProcessingAmounts


class Processing(Shape):
    data: list[CurrencyProcessing]

    @classmethod
    def of(cls, *, yesterday_sat: int, today_sat: int) -> JsonObject:
        amounts = {"yesterday": btc_text(yesterday_sat), "today": btc_text(today_sat)}
        return {"data": [{"currency": CURRENCY, "amounts": amounts}]}
