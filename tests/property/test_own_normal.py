"""A worker's own normal against a naive twin that counts shares one by one."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from query_api.telemetry.worker_shares import normal_of
from schemas.readings import WEEK_S, Figures
from schemas.windows import DAY_S

HOUR_S = 3_600
ages_s = st.sampled_from((HOUR_S, DAY_S - 1, DAY_S, 3 * DAY_S, WEEK_S, 30 * DAY_S))
outages_s = st.sampled_from((0, 60, 1_800, HOUR_S))


def figures_of(
    back_s: list[int], *, age_s: int, difficulty: float = 1.0, outage_s: int = 0
) -> Figures:
    """Of shares of one difficulty, so many seconds ago."""
    return Figures(
        10**9,
        age_s,
        HOUR_S,
        accepted=difficulty * sum(back < HOUR_S for back in back_s),
        accepted_week=difficulty * len(back_s),
        share_difficulty=difficulty,
        outage_s=outage_s,
    )


def plain_low(back_s: list[int], *, age_s: int, outage_s: int) -> bool:
    """More than three times the root of the expected shares are missing."""
    if age_s < DAY_S or outage_s >= HOUR_S:
        return False
    heard_s = HOUR_S - outage_s
    expected = len(back_s) * heard_s / min(age_s, WEEK_S)
    missing = expected - sum(back < HOUR_S for back in back_s)
    return missing > 3 * math.sqrt(expected)


@given(
    st.lists(st.integers(0, WEEK_S - 1), max_size=300),
    st.integers(0, 40_000),
    ages_s,
    outages_s,
    st.floats(1, 1e9),
)
def test_low_agrees_with_one_who_counts_shares(
    recent: list[int], older: int, age_s: int, outage_s: int, difficulty: float
) -> None:
    back_s = recent + [HOUR_S] * older
    normal = normal_of(figures_of(back_s, age_s=age_s, difficulty=difficulty, outage_s=outage_s))
    assert bool(normal["low"]) == plain_low(back_s, age_s=age_s, outage_s=outage_s)
    assert (normal["expected"] is None) == (age_s < DAY_S or outage_s >= HOUR_S)


@given(st.integers(1, 10**6), st.floats(1, 1e9))
def test_the_error_is_one_over_the_root_of_the_shares(shares: int, difficulty: float) -> None:
    figures = Figures(0, WEEK_S, HOUR_S, accepted=shares * difficulty, share_difficulty=difficulty)
    assert math.isclose(normal_of(figures)["error"], 1 / math.sqrt(shares), abs_tol=1e-6)


def test_without_a_share_there_is_no_error_and_silence_is_low() -> None:
    silent = Figures(0, WEEK_S, HOUR_S, accepted_week=168 * 100.0, share_difficulty=1.0)
    assert normal_of(silent) == {
        "window": "1h",
        "effective": "0.00",
        "error": None,
        "expected": f"{100 * 2**32 / HOUR_S:.2f}",
        "low": True,
    }


def low_hours(*, true_share: float, shares_an_hour: int, hours: int) -> int:
    """Hours marked of a worker that does this share of its normal, its shares coming by chance."""
    draw = random.Random(11)
    low = 0
    for _ in range(hours):
        # Binomial with small parts is Poisson's to three digits.
        came = sum(draw.random() < true_share / 50 for _ in range(50 * shares_an_hour))
        low += normal_of(
            Figures(
                0,
                WEEK_S,
                HOUR_S,
                accepted=float(came),
                accepted_week=168.0 * shares_an_hour,
                share_difficulty=1.0,
            )
        )["low"]
    return low


def test_a_healthy_worker_of_few_shares_is_not_marked_by_chance() -> None:
    assert low_hours(true_share=1.0, shares_an_hour=60, hours=400) <= 2
    assert low_hours(true_share=0.3, shares_an_hour=60, hours=100) >= 98
