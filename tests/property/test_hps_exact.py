"""Hashes per second against the fraction itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.units import format_hps, format_whole_hps, hps_hundredths, write_hps

SPANS = st.sampled_from([60, 300, 900, 3_600, 86_400, 604_800])
WHOLE = st.integers(0, 2**53).map(float)
ANY = WHOLE | st.floats(0, 1e24) | st.integers(0, 2**70).map(float)


def plain(difficulty, span_s):
    """Hundredths, rounded half up."""
    fraction = Fraction(difficulty) * 2**32 * 100 / span_s + Fraction(1, 2)
    return fraction.numerator // fraction.denominator


@given(ANY, SPANS)
def test_two_decimals_are_those_of_the_fraction(difficulty, span_s):
    hundredths = plain(difficulty, span_s)
    assert hps_hundredths(difficulty, span_s) == hundredths
    assert format_hps(difficulty, span_s) == f"{hundredths // 100}.{hundredths % 100:02d}"


@given(ANY, SPANS)
def test_whole_ones_are_cut(difficulty, span_s):
    assert int(format_whole_hps(difficulty, span_s)) == Fraction(difficulty) * 2**32 // span_s


@given(st.lists(WHOLE, max_size=8) | st.lists(ANY, max_size=8), SPANS)
def test_many_at_once_are_each_as_alone(difficulties, span_s):
    whole, hundredths = write_hps(np.asarray(difficulties, np.float64), span_s)
    written = [(a + b).decode() for a, b in zip(whole, hundredths, strict=True)]
    assert written == [format_hps(each, span_s) for each in difficulties]


def test_above_2_to_the_53_hundredths():
    assert format_hps(317_977_344.0, 60) == "22761704889149030.40"
