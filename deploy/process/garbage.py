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


def leave_out_what_stays() -> None:
    """For processes that answer requests, once everything is made that stays until their end.

    Modules, routes and models are 200,000 objects. The collector walked all of them whenever
    50,000 more had lived for a while: a third of the API's time, in pauses of 100 ms.
    """
    gc.collect()
    gc.freeze()
    collect_seldom()
