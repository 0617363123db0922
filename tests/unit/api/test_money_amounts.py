"""Decimals of requests: exact, in plain digits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.money.amounts import plain_decimal

ONE = {"decimals": 6, "least": Decimal(0), "most": Decimal(1)}


@given(st.integers(0, 10**6))
def test_every_fee_of_six_decimals_is_taken_as_text_and_as_number(millionths):
    exact = Decimal(millionths).scaleb(-6)
    assert plain_decimal(f"{exact:f}", **ONE) == exact
    assert plain_decimal(float(exact), **ONE) == exact


@given(st.floats() | st.integers() | st.text() | st.decimals() | st.none() | st.binary())
def test_anything_is_a_decimal_in_range_or_refused(value):
    try:
        number = plain_decimal(value, **ONE)
    except ValueError:
        pass  # the reasons are in the other tests
    else:
        assert 0 <= number <= 1
        assert number == round(number, 6)


@pytest.mark.parametrize("value", ["1e-2", "NaN", "sNaN", "Infinity", "-0", " 1", "1_0", "٠", True])
def test_what_python_would_take_is_not_taken(value):
    with pytest.raises(ValueError, match=r"expected|negative"):
        plain_decimal(value, **ONE)
