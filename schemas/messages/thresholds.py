"""Threshold alerts: what can be watched, in which unit, over which windows.

| metric | alerts if | unit of the bound |
|---|---|---|
| hashrate | below the bound | hashes per second |
| hashrate_of_week | below the bound | percent of the mean of its own last seven days |
| unavailable_workers | above the bound | workers |
| reject_pct | above the bound | percent of the submitted work |
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Metric(StrEnum):
    """Column `thresholds.metric`."""

    HASHRATE = "hashrate"
    HASHRATE_OF_WEEK = "hashrate_of_week"
    UNAVAILABLE_WORKERS = "unavailable_workers"
    REJECT_PCT = "reject_pct"


class ThresholdWindow(StrEnum):
    """Column `thresholds.window_name`: spans that a figure can be an average over."""

    MINUTES_15 = "15m"
    HOUR = "1h"
    DAY = "1d"


BREACH_ERRORS: Final = 3.0
"""So many standard errors beyond the bound begin an alert.

Alerts in a month of 15 minute figures of 2 shares a minute at the bound (± 18 %) if it must last
10 minutes, by how much of the bound the miner truly does (`tests/property/test_threshold_rule.py`):

| errors to begin, to end | 110 % | 100 % | 90 % | 80 % | 50 % |
|---|---|---|---|---|---|
| 0, 0 | 389 | 673 | 802 | 624 | 9 |
| 2, 1 | 6 | 41 | 140 | 103 | 1 |
| 3, 1 | 0 | 0 | 0 | 24 | 1 |
"""

CLEAR_ERRORS: Final = 1.0
"""So many on the good side end it."""


def is_too_noisy(bound: float, error: float) -> bool:
    """Whether the figure is known by so few shares that none at all would still be chance."""
    return error > 0 and bound <= BREACH_ERRORS * error
