"""Shapes of wallets: where money is paid to, and from which amount on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from query_api.contract.money.amounts import MinPayment, json_number
from query_api.contract.requests import Body
from query_api.contract.shape import JsonObject, Shape
from query_api.http.timestamps import rfc3339, rfc3339_or_none
from schemas.addresses.bitcoin import ADDRESS_MAX_CHARACTERS, BitcoinNetwork
from schemas.money import CURRENCY, btc_of

Currency = Literal["BTC"]


class WalletAddress(Shape):
    address: Annotated[str, Field(examples=["3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5"])]
    currency: Currency
    network: BitcoinNetwork
    valid_from: datetime
    valid_until: datetime | None
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        head = {"address": row["address"], "currency": CURRENCY, "network": row["network"]}
        return head | _validity(row)


class WalletAddressList(Shape):
    data: list[WalletAddress]


class WalletAddressView(Shape):
    current: WalletAddress | None
    future: WalletAddress | None


class WalletMinPayment(Shape):
    amount: Annotated[float, Field(description="BTC.", examples=[0.01])]
    currency: Currency
    valid_from: datetime
    valid_until: datetime | None
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        amount = json_number(btc_of(row["amount_sat"]))
        return {"amount": amount, "currency": CURRENCY} | _validity(row)


class WalletMinPaymentList(Shape):
    data: list[WalletMinPayment]


class WalletMinPaymentView(Shape):
    current: WalletMinPayment | None
    future: WalletMinPayment | None


class NewAddress(Body):
    address: Annotated[
        str,
        Field(
            max_length=ADDRESS_MAX_CHARACTERS,
            description="Of the pool's network: base58check, bech32 or bech32m.",
            examples=["mubUpE11SXEuyM7EhSYEcnptbwvfcV72Nx"],
        ),
    ]


class NewMinPayment(Body):
    amount: MinPayment


def _validity(row: Mapping[str, Any]) -> JsonObject:
    return {
        "valid_from": rfc3339(row["valid_from"]),
        "valid_until": rfc3339_or_none(row["valid_until"]),
        "updated_at": rfc3339(row["updated_at"]),
    }
