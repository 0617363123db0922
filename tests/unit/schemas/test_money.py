"""Satoshi and rates as text, and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import SAT_PER_BTC, btc_of, btc_text, decimal_text, satoshi_of


@given(st.integers(0, 21 * 10**14))
def test_an_amount_is_the_same_after_a_round(amount_sat):
    assert satoshi_of(Decimal(btc_text(amount_sat))) == amount_sat
    assert btc_of(amount_sat) * SAT_PER_BTC == amount_sat


def test_half_a_satoshi_is_no_amount():
    with pytest.raises(ValueError, match="decimals"):
        satoshi_of(Decimal("0.000000005"))


def test_a_rate_keeps_its_63_decimals():
    text = "0.000000000000000002192399084736862074189141067444586110763013383"
    assert decimal_text(Decimal(text)) == text
    assert decimal_text(Decimal("1E+2")) == "100"
    assert decimal_text(Decimal("0.00")) == "0"
