"""Money as text: whole satoshi inside, BTC strings with 8 decimals outside, rates in full."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

SAT_PER_BTC: Final = 10**8
BTC_DECIMALS: Final = 8
CURRENCY: Final = "BTC"


def btc_text(amount_sat: int) -> str:
    """Satoshi as the API writes them.

    >>> btc_text(68_716)
    '0.00068716'
    >>> btc_text(-1)
    '-0.00000001'
    """
    whole, rest = divmod(abs(amount_sat), SAT_PER_BTC)
    return f"{'-' if amount_sat < 0 else ''}{whole}.{rest:08}"


def decimal_text(value: Decimal) -> str:
    """All decimals that there are, without zeros at the end and never with an exponent.

    >>> decimal_text(Decimal("2.820E-18"))
    '0.00000000000000000282'
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def satoshi_of(amount_btc: Decimal) -> int:
    """Exact; ValueError for a fraction of a satoshi."""
    amount_sat = amount_btc * SAT_PER_BTC
    if amount_sat != int(amount_sat):
        raise ValueError(f"more than {BTC_DECIMALS} decimals")
    return int(amount_sat)


def btc_of(amount_sat: int) -> Decimal:
    """BTC without zeros at the end, for JSON numbers."""
    return Decimal(decimal_text(Decimal(amount_sat).scaleb(-BTC_DECIMALS)))
