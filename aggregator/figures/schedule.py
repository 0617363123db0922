"""When the next cycle is due: in phase with the minute, and with rests for the database."""

from __future__ import annotations

import math

from aggregator.figures.config import FiguresConfig


def next_cycle_s(began_s: float, took_s: float, config: FiguresConfig) -> float:
    """Wall clock of the next cycle after one that began at `began_s` and took `took_s`.

    The first instant in phase (5, 20, 35, 50 s past the minute) at least `backoff_ratio` durations
    after the last beginning. A long cycle is one that took a minute in; the next one need not, as
    where there are many workers only whole minutes are merged.
    """
    earliest_s = began_s + max(took_s * config.backoff_ratio, 0.001)
    phases = math.ceil((earliest_s - config.cycle_phase_s) / config.cycle_s)
    return phases * config.cycle_s + config.cycle_phase_s


def until_next_cycle_s(began_s: float, took_s: float, now_s: float, config: FiguresConfig) -> float:
    """Seconds from `now_s` to the next cycle; no more than a cycle apart, should somebody have set
    the wall clock back meanwhile."""
    due_s = next_cycle_s(began_s, took_s, config)
    return max(0.0, min(due_s - now_s, due_s - began_s))
