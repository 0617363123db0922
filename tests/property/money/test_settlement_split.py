"""The split of a day: all parts together are the whole, whatever the terms."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from aggregator.settlement.split import PARTS, Amount, Amounts, DaySplit, Key, Line, split
from aggregator.settlement.terms import PPM, Fee, Gift, Referral, Sharing, Terms

SAT_A_DAY = Fraction(86_400, 10**8)
"""A rate at which one hash is one satoshi."""

ppm = st.integers(0, PPM)
works = st.dictionaries(st.integers(0, 2), st.integers(0, 10**6), max_size=3)
rates = st.fractions(min_value=0, max_value=2, max_denominator=10**9).map(lambda r: r * SAT_A_DAY)


@st.composite
def all_terms(draw: st.DrawFn) -> Terms:
    pool_ppm = draw(ppm)
    referrer_ppm = draw(st.integers(0, PPM // 2))
    return Terms(
        pool_id=100,
        pool_fee=Fee(pool_ppm),
        operators={n: Fee(draw(st.integers(0, PPM - pool_ppm))) for n in (1, 2)},
        referral=draw(st.sampled_from([None, Referral(50, PPM - referrer_ppm, referrer_ppm)])),
        gifts=[
            Gift(n, 60 + n, draw(st.integers(0, 10**6)), 1, Fee(draw(ppm)))
            for n in range(draw(st.integers(0, 3)))
        ],
        sharings=[
            Sharing(n, 70 + n, draw(ppm), "profit_sharing") for n in range(draw(st.integers(0, 3)))
        ],
    )


def plain(pool_ppm: int = 0) -> Terms:
    return Terms(pool_id=100, pool_fee=Fee(pool_ppm), operators={})


def parties(found: DaySplit) -> int:
    """What miner, pool and operators, referrer, and those given to have in the end."""
    given = found.sat(Line.GIFT) - found.sat(Line.GIFT_FEE) + found.sat(Line.SHARING)
    own = found.reward_sat - given
    pool = found.sat(Line.POOL) - found.sat(Line.REFERRAL)
    shares = [own, pool, found.sat(Line.OPERATOR), found.sat(Line.REFERRAL), given]
    assert min(shares) >= 0
    return sum(shares)


@given(st.lists(st.tuples(works, all_terms(), rates), max_size=4))
def test_parties_have_the_gross_and_nobody_less_than_nothing(
    days: list[tuple[Mapping[int, int], Terms, Fraction]],
) -> None:
    carries: dict[Key, int] = {}
    for work, terms, rate in days:
        found = split(work, terms, rate, carries=carries)
        assert parties(found) == found.sat(Line.GROSS)


@given(st.lists(st.tuples(st.integers(0, 1000), rates), min_size=1, max_size=30), ppm)
def test_nobody_loses_more_than_a_satoshi_over_the_life_of_an_account(
    days: list[tuple[int, Fraction]], fee_ppm: int
) -> None:
    carries: dict[Key, int] = {}
    splits = [split({0: w}, plain(fee_ppm), rate, carries=carries) for w, rate in days]
    exact = sum((w * rate / SAT_A_DAY for w, rate in days), Fraction(0))
    booked = sum(found.sat(Line.GROSS) for found in splits)
    assert 0 <= exact - booked + Fraction(len(days), PARTS) < 1 + Fraction(len(days), PARTS)
    pool = sum(found.sat(Line.POOL) for found in splits)
    assert -Fraction(1, 10**9) <= exact * Fraction(fee_ppm, PPM) - pool < 2


def test_a_satoshi_a_day_is_a_satoshi_a_day() -> None:
    carries: dict[Key, int] = {}
    for rate, expected in ((SAT_A_DAY, [1] * 400), (SAT_A_DAY / 3, [0, 0, 1] * 133)):
        found = [split({0: 1}, plain(), rate, carries=carries).reward_sat for _ in expected]
        assert found == expected


@given(works, rates)
def test_without_fees_everybody_has_the_gross(work: Mapping[int, int], rate: Fraction) -> None:
    found = split(work, plain(), rate, carries={})
    assert found.reward_sat == sum(work.values()) * rate / SAT_A_DAY // 1


@given(works, st.lists(works, min_size=1, max_size=3), works, all_terms(), rates)
def test_a_corrected_day_is_the_day_as_it_should_have_been(
    earlier: Mapping[int, int],
    counted: list[Mapping[int, int]],
    recounted: Mapping[int, int],
    terms: Terms,
    rate: Fraction,
) -> None:
    """Line by line, what is carried on too, and whatever was booked meanwhile."""
    carries: dict[Key, int] = {}
    split(earlier, terms, rate, carries=carries)
    undisturbed = dict(carries)
    booked: Amounts = {}
    for work in (*counted, recounted):
        found = split(work, terms, rate, carries=carries, before=booked)
        booked = found.amounts
    assert parties(found) == found.sat(Line.GROSS)
    assert found == split(recounted, terms, rate, carries=undisturbed)
    assert carries == undisturbed


def test_fees_above_one_take_the_gross_of_their_day_and_nothing_of_the_next() -> None:
    carries: dict[Key, int] = {}
    dear = Terms(100, Fee(900_000), {1: Fee(400_000)})
    found = split({1: 1000}, dear, SAT_A_DAY, carries=carries)
    assert (found.sat(Line.POOL), found.sat(Line.OPERATOR), found.reward_sat) == (900, 100, 0)
    fair = Terms(100, Fee(100_000), {1: Fee(100_000)})
    assert split({1: 1000}, fair, SAT_A_DAY, carries=carries).reward_sat == 800


def test_a_donor_gives_at_most_its_reward_pro_rata_and_says_so() -> None:
    terms = Terms(100, Fee(0), {}, gifts=[Gift(1, 61, 300, 1, Fee(0)), Gift(2, 62, 100, 1, Fee(0))])
    found = split({0: 100}, terms, SAT_A_DAY, carries={})
    given = {key: amount.sat for key, amount in found.amounts.items() if key[0] is Line.GIFT}
    assert given == {(Line.GIFT, 1): 75, (Line.GIFT, 2): 25}
    assert found.capped == [(Line.GIFT, 1), (Line.GIFT, 2)]


def test_boundary_work_is_worth_what_the_donor_earns_with_it_less_the_commission() -> None:
    terms = Terms(100, Fee(100_000), {1: Fee(50_000)}, gifts=[Gift(1, 61, 100, 1, Fee(200_000))])
    found = split({1: 1000}, terms, SAT_A_DAY, carries={})
    assert found.amounts[Line.GIFT, 1].sat == 85
    assert found.amounts[Line.GIFT_FEE, 1].sat == 17


def test_a_referred_miner_pays_less_and_the_referrer_gets_its_share() -> None:
    terms = Terms(100, Fee(10_000), {}, referral=Referral(50, 900_000, 100_000))
    found = split({0: 100_000}, terms, SAT_A_DAY, carries={})
    assert (found.sat(Line.POOL), found.sat(Line.REFERRAL), found.reward_sat) == (900, 100, 99_100)


def test_a_line_that_is_in_no_terms_any_more_goes_back() -> None:
    before = {(Line.OPERATOR, 1): Amount(5 * PARTS, 5), (Line.GROSS, 0): Amount(9 * PARTS, 9)}
    found = split({0: 9}, plain(), SAT_A_DAY, carries={}, before=before)
    assert found.amounts[Line.OPERATOR, 1] == Amount(0, 0)
    assert found.reward_sat == 9
