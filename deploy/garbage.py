"""How often a process looks for reference cycles."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """For processes that take shares in: each fetch makes some 60,000 objects and no cycle.

    By Python's default (700 objects, 10, 10) the collector walks them all again and again: a third
    of the time of intake where a message holds one share. Cycles come from errors only; 50,000
    objects that wait for the next look are a few MB.
    """
    gc.set_threshold(50_000, 20, 50)
