"""Decimals in requests and answers: exact, in plain digits, strings or numbers as the document
has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final

import orjson
from pydantic import BeforeValidator, WithJsonSchema

from schemas.money import BTC_DECIMALS, decimal_text

FEE_DECIMALS: Final = 6
MIN_PAYMENT_BTC: Final = Decimal("0.001")
# All bitcoin that there will ever be.
AMOUNT_MAX_BTC: Final = Decimal(21_000_000)
# Decimal texts of at least 0.001, as a regular expression.
_FROM_A_THOUSANDTH: Final = (
    r"^(0\.(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2})[0-9]{0,5}|0\.0[1-9]|0\.[1-9][0-9]?"
    r"|[1-9][0-9]{0,6}(\.[0-9]{1,8})?)$"
)
_PLAIN: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


def plain_decimal(value: Any, *, decimals: int, least: Decimal, most: Decimal) -> Decimal:
    """The decimal of a JSON string or number. ValueError names what is wrong with it: a sign, an
    exponent, NaN, too many decimals, too small, too large.

    A float is what its shortest text says, so that the number 0.009 is 9/1000.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("a decimal string or a number is expected")
    # Python writes the number 0.00001 with an exponent, JSON need not have.
    text = f"{Decimal(str(value)):f}" if isinstance(value, float) else str(value)
    if text.startswith("-"):
        raise ValueError("must not be negative")
    if not _PLAIN.fullmatch(text):
        raise ValueError("plain digits are expected, without an exponent")
    if len(text.partition(".")[2].rstrip("0")) > decimals:
        raise ValueError(f"at most {decimals} decimals are kept")
    number = Decimal(text)
    if not least <= number <= most:
        raise ValueError(f"must be from {least:f} to {most:f}")
    return number


def _reader(decimals: int, least: Decimal, most: Decimal) -> Callable[[Any], Decimal]:
    return lambda value: plain_decimal(value, decimals=decimals, least=least, most=most)


Fee = Annotated[
    Decimal,
    BeforeValidator(_reader(FEE_DECIMALS, Decimal(0), Decimal(1))),
    WithJsonSchema(
        {
            "description": "A share from 0 to 1 (0.01 is 1 %), with at most 6 decimals; a decimal "
            "string or a number.",
            "anyOf": [
                {"type": "string", "pattern": r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$"},
                {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.000001},
            ],
            "examples": [0.009],
        }
    ),
]
MinPayment = Annotated[
    Decimal,
    BeforeValidator(_reader(BTC_DECIMALS, MIN_PAYMENT_BTC, AMOUNT_MAX_BTC)),
    WithJsonSchema(
        {
            "description": "BTC, at least 0.001, with at most 8 decimals; a decimal string or a "
            "number.",
            "anyOf": [
                {"type": "string", "pattern": _FROM_A_THOUSANDTH},
                {"type": "number", "minimum": 0.001, "maximum": 21_000_000},
            ],
            "examples": [0.01],
        }
    ),
]


def json_number(value: Decimal) -> orjson.Fragment:
    """A JSON number with exactly these digits."""
    return orjson.Fragment(decimal_text(value).encode())
