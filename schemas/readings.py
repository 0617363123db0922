"""A figure beside its bound, and what chance does to it: thresholds and marks read by it. Pure.

Shares come by chance: of n expected ones, n ± √n come in. At a bound of b hashes per second and a
mean difficulty d, n = b × span / 2^32 / d, so the error of the figure there is b / √n. A share is
rejected or not: of n shares with a bound of p percent, the error is √(p (100 - p) / n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from schemas.messages.thresholds import BREACH_ERRORS, CLEAR_ERRORS, Metric
from schemas.units import difficulty_of, hashrate_hps, reject_pct
from schemas.windows import DAY_S

WEEK_S: Final = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure beside its bound, at the end of the figure's window (`at_s`, stream time)."""

    at_s: int
    figure: float
    bound: float
    error: float
    is_above_bad: bool = False
    """for counts of workers and rejects; a hashrate is bad below"""

    @property
    def excess(self) -> float:
        """How far the figure is on the bad side."""
        return self.figure - self.bound if self.is_above_bad else self.bound - self.figure

    @property
    def is_breached(self) -> bool:
        return self.excess > BREACH_ERRORS * self.error

    @property
    def is_beyond(self) -> bool:
        return self.excess > 0

    @property
    def is_clear(self) -> bool:
        # A small bound of rejects lies less than an error above zero, and could never clear.
        return self.excess <= -min(CLEAR_ERRORS * self.error, self.bound / 2)


@dataclass(frozen=True, slots=True)
class Figures:
    """Published figures of the miner or worker, at `at_s`: ends of complete minutes."""

    at_s: int
    age_s: int
    """since the worker or the miner was first there"""
    span_s: int = 0
    """of the window; 0 for a count of workers"""
    accepted: float = 0.0
    rejected: float = 0.0
    accepted_week: float = 0.0
    share_difficulty: float | None = None
    """mean of the shares that were seen last; None before the first one"""
    outage_s: int = 0
    """how much of the window the service itself took in nothing"""
    unavailable: int = 0


def reading_of(metric: Metric, bound: float, figures: Figures) -> Reading | None:
    """None if nothing can be said: too young, nothing submitted, no window without an outage."""
    if metric is Metric.UNAVAILABLE_WORKERS:
        return Reading(figures.at_s, float(figures.unavailable), bound, 0.0, is_above_bad=True)
    if metric is Metric.REJECT_PCT:
        return _rejects(bound, figures)
    heard_s = figures.span_s - figures.outage_s
    # The figure of a window that began before the worker did sags for no fault of its own.
    if figures.age_s < figures.span_s or heard_s <= 0:
        return None
    if metric is Metric.HASHRATE_OF_WEEK:
        if figures.age_s < DAY_S:
            return None
        week_hps = hashrate_hps(figures.accepted_week, min(figures.age_s, WEEK_S))
        bound = week_hps * bound / 100
    bound *= heard_s / figures.span_s
    figure = hashrate_hps(figures.accepted, figures.span_s)
    return Reading(figures.at_s, figure, bound, hashrate_error(bound, figures))


def own_normal(figures: Figures) -> Reading | None:
    """A hashrate beside the mean of its own week; `is_breached` if it is low by more than chance.
    None for less than a day."""
    return reading_of(Metric.HASHRATE_OF_WEEK, 100.0, figures)


def outage_inside(at_s: int, span_s: int, *, from_s: float | None, to_s: float | None) -> int:
    """Seconds of a window that ends at `at_s` in which the service took in nothing."""
    if from_s is None or to_s is None:
        return 0
    return max(0, round(min(at_s, to_s) - max(at_s - span_s, from_s)))


def hashrate_error(bound_hps: float, figures: Figures) -> float:
    """Standard deviation of a window's hashrate if `bound_hps` is the true one."""
    difficulty = difficulty_of(bound_hps, figures.span_s)
    if not figures.share_difficulty or not difficulty:
        return 0.0
    return bound_hps / math.sqrt(difficulty / figures.share_difficulty)


def _rejects(bound: float, figures: Figures) -> Reading | None:
    submitted = figures.accepted + figures.rejected
    if not submitted:
        return None
    shares = max(1.0, submitted / (figures.share_difficulty or submitted))
    error = math.sqrt(bound * max(0.0, 100 - bound) / shares)
    figure = reject_pct(figures.accepted, figures.rejected)
    return Reading(figures.at_s, figure, bound, error, is_above_bad=True)
