"""When the leader beats: in phase with the minute, and never so often that the database suffers."""

from __future__ import annotations

import math

from aggregator.figures.config import FiguresConfig
from schemas.windows import MINUTE_S


def next_beat_s(began_s: float, took_s: float, config: FiguresConfig) -> float:
    """Wall clock of the next beat after one that began at `began_s` and took `took_s`.

    The first instant in phase (5, 20, 35, 50 s past the minute) at least `backoff_ratio` durations
    after the last beginning; long beats come once every few minutes, 5 s past.
    """
    earliest_s = began_s + max(took_s * config.backoff_ratio, 0.001)
    step_s = config.beat_s
    if took_s * config.backoff_ratio > step_s:
        # A whole minute: the fresh figures of a minute are out as soon after it as can be.
        step_s = max(step_s, float(MINUTE_S))
    phases = math.ceil((earliest_s - config.beat_phase_s) / step_s)
    return phases * step_s + config.beat_phase_s


def until_next_beat_s(began_s: float, took_s: float, now_s: float, config: FiguresConfig) -> float:
    """Seconds from `now_s` to the next beat; no more than a beat apart, should somebody have set
    the wall clock back meanwhile."""
    due_s = next_beat_s(began_s, took_s, config)
    return max(0.0, min(due_s - now_s, due_s - began_s))
