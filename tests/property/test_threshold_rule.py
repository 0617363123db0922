"""The threshold rule against a naive twin that reads the whole history at each minute."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from aggregator.notify.thresholds.rule import GAP_S, State, step
from schemas.messages.notifications import Notice
from schemas.messages.thresholds import Metric
from schemas.readings import Figures, Reading, reading_of
from schemas.units import difficulty_of

BOUND, ERROR = 100.0, 10.0
figures = st.sampled_from((50.0, 69.9, 70.0, 85.0, 99.9, 100.0, 105.0, 109.9, 110.0, 130.0))
minutes = st.lists(
    st.tuples(figures, st.booleans(), st.sampled_from((60, 60, 60, 120, 360))), max_size=40
)
lasting_s = st.sampled_from((0, 60, 180, 600))


def plain_state(history: list[tuple[int, float]], for_s: int) -> bool:
    """Whether it fires at the end of the history: goes back from there, with no state kept."""
    for end in range(len(history), 0, -1):
        if history[end - 1][1] >= BOUND + ERROR:
            return False
        if _fires_at(history[:end], for_s) and not _clears_within(history[end:]):
            return True
    return False


def _clears_within(rest: list[tuple[int, float]]) -> bool:
    return any(figure >= BOUND + ERROR for _, figure in rest)


def _fires_at(history: list[tuple[int, float]], for_s: int) -> bool:
    """Breached now, and so long ago, and never back at the bound in between."""
    at_s, figure = history[-1]
    if figure >= BOUND - 3 * ERROR:
        return False
    since_s = at_s
    for (before_s, before), (after_s, _) in zip(history[-2::-1], history[:0:-1], strict=False):
        if before >= BOUND or after_s - before_s > GAP_S:
            break
        if before < BOUND - 3 * ERROR:
            since_s = before_s
    return at_s - since_s >= for_s


@given(minutes, lasting_s)
def test_thresholds_agree_with_one_who_reads_the_whole_history(
    found: list[tuple[float, bool, int]], for_s: int
) -> None:
    state, at_s, history = State(), 0, []
    heard = False
    for figure, is_muted, pause_s in found:
        at_s += pause_s
        history.append((at_s, figure))
        state, outcome = step(
            state, Reading(at_s, figure, BOUND, ERROR), for_s=for_s, is_muted=is_muted
        )
        fires = plain_state(history, for_s)
        assert state.is_firing == fires
        expected = None
        if fires != heard and not is_muted:
            expected = Notice.THRESHOLD_CROSSED if fires else Notice.THRESHOLD_CLEARED
            heard = fires
        assert outcome == expected


@given(minutes, lasting_s)
def test_above_is_the_mirror_of_below(found: list[tuple[float, bool, int]], for_s: int) -> None:
    below, above, at_s = State(), State(), 0
    for figure, is_muted, pause_s in found:
        at_s += pause_s
        kept = {"for_s": for_s, "is_muted": is_muted}
        below, said = step(below, Reading(at_s, figure, BOUND, ERROR), **kept)
        mirrored = Reading(at_s, 2 * BOUND - figure, BOUND, ERROR, is_above_bad=True)
        above, said_above = step(above, mirrored, **kept)
        assert (above, said_above) == (below, said)


def events_of_days(true_hps: float, bound_hps: float, *, shares_a_minute: float, days: int) -> int:
    """Alerts of a 15 minute figure whose shares come by chance, at the given true hashrate."""
    draw = random.Random(7)
    mean = shares_a_minute * true_hps / bound_hps
    counts = [_poisson(draw, mean) for _ in range(days * 1_440)]
    difficulty = difficulty_of(bound_hps, 60) / shares_a_minute
    state, events = State(), 0
    window = sum(counts[:15])
    for minute in range(15, len(counts)):
        window += counts[minute] - counts[minute - 15]
        reading = reading_of(
            Metric.HASHRATE,
            bound_hps,
            Figures(
                minute * 60, 10**6, 900, accepted=window * difficulty, share_difficulty=difficulty
            ),
        )
        assert reading is not None
        state, outcome = step(state, reading, for_s=600, is_muted=False)
        events += outcome is Notice.THRESHOLD_CROSSED
    return events


def _poisson(draw: random.Random, mean: float) -> int:
    count, product, limit = 0, draw.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * draw.random()
    return count


def test_a_miner_of_few_shares_is_not_alerted_by_chance() -> None:
    """Two shares a minute, 30 a window, ± 18 %: a bare comparison alerts 20 times a day."""
    assert events_of_days(1.1e12, 1e12, shares_a_minute=2, days=10) == 0
    assert events_of_days(0.9e12, 1e12, shares_a_minute=2, days=10) == 0
    # In the middle of the band it may swing, once a day; what is really low is found, once.
    assert events_of_days(0.8e12, 1e12, shares_a_minute=2, days=10) < 20
    assert events_of_days(0.5e12, 1e12, shares_a_minute=2, days=10) == 1


@given(st.floats(1e9, 1e18), st.floats(1, 1e6))
def test_the_error_of_a_hashrate_is_that_of_its_expected_shares(
    bound_hps: float, difficulty: float
) -> None:
    figures_ = Figures(0, 10**6, 3_600, share_difficulty=difficulty)
    reading = reading_of(Metric.HASHRATE, bound_hps, figures_)
    assert reading is not None
    shares = bound_hps * 3_600 / 2**32 / difficulty
    assert math.isclose(reading.error, bound_hps / math.sqrt(shares), rel_tol=1e-9)
