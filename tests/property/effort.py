"""How many examples a property gets: all in a full run, a quarter in the quick tier."""

from __future__ import annotations

from hypothesis import settings

FULL = 100
"""Hypothesis' own number, that of the profiles `desk` and `ci`."""


def examples(count: int) -> settings:
    """`count` in a full run, and in another one the share of it that its profile has of `FULL`."""
    return settings(max_examples=max(1, count * settings.default.max_examples // FULL))
