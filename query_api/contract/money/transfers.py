"""Shapes of a transfer by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from query_api.contract.money.amounts import AMOUNT_MAX_BTC, plain_decimal
from query_api.contract.requests import Body
from query_api.contract.shape import Shape
from schemas.money import BTC_DECIMALS
from schemas.names.titles import ONE_LINE

Amount = Annotated[
    Decimal,
    BeforeValidator(
        lambda value: plain_decimal(
            value, decimals=BTC_DECIMALS, least=Decimal("0.00000001"), most=AMOUNT_MAX_BTC
        )
    ),
    WithJsonSchema(
        {
            "description": "BTC with at most 8 decimals.",
            "type": "string",
            "pattern": r"^[0-9]{1,8}(\.[0-9]{1,8})?$",
            "examples": ["0.00472423"],
        }
    ),
]


class Account(Body):
    """`customer` is what is owed to a miner, an operator or a pool; the others are a pool's."""

    owner_id: UUID
    kind: Literal["customer", "mining", "wallet", "network_fees", "external"] = "customer"


class NewTransfer(Body):
    id: Annotated[UUID, Field(description="Chosen by the caller: sent again, it books nothing.")]
    debit: Annotated[Account, Field(description="Gives.")]
    credit: Annotated[Account, Field(description="Receives.")]
    amount: Amount
    reason: Annotated[str, Field(min_length=3, max_length=500, pattern=ONE_LINE)]


class BookedTransfer(Shape):
    id: UUID
    booked: Annotated[bool, Field(description="false: it was booked before.")]
