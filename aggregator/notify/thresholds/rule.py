"""When a threshold fires and when it is over. Pure.

    good side  ──────────┬───────────┬──────────────┬──────────▶  bad side
                 clear   │           bound          │  breached
                         └ 1 error before           └ 3 errors beyond

A breach that lasts `for_s` without the figure being back at the bound fires. It is over when the
figure is one error on the good side. An error is the standard deviation that chance alone gives the
figure at the bound (`schemas/readings.py`), so a miner of few shares has a wide band, and no figure
swings across it by chance alone again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.messages.notifications import Notice
from schemas.readings import Reading

GAP_S: Final = 300
"""Nobody looked for so long: what was so before and after proves nothing of the time between."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a threshold stands, in stream time."""

    measured_s: int | None = None
    breached_since_s: int | None = None
    is_firing: bool = False
    is_reported: bool = False
    """people heard last that it fires"""


def step(
    state: State, reading: Reading, *, for_s: int, is_muted: bool
) -> tuple[State, Notice | None]:
    """The state after a reading, and what people are to hear of it.

    While it is muted nobody hears anything; what still holds after that is said then.
    """
    since_s = _since(state, reading)
    firing = state.is_firing
    if firing:
        firing = not reading.is_clear
    elif since_s is not None and reading.is_breached:
        firing = reading.at_s - since_s >= for_s
    reports = firing != state.is_reported and not is_muted
    after = State(
        measured_s=reading.at_s,
        breached_since_s=since_s if firing or reading.is_beyond else None,
        is_firing=firing,
        is_reported=firing if reports else state.is_reported,
    )
    if not reports:
        return after, None
    return after, Notice.THRESHOLD_CROSSED if firing else Notice.THRESHOLD_CLEARED


def _since(state: State, reading: Reading) -> int | None:
    """Since when it is breached; what is not breached now but was goes on until it is back at the
    bound."""
    if state.is_firing:
        return state.breached_since_s
    gap = state.measured_s is not None and reading.at_s - state.measured_s > GAP_S
    if state.breached_since_s is not None and reading.is_beyond and not gap:
        return state.breached_since_s
    return reading.at_s if reading.is_breached else None
