"""Stats objects: the windows of a worker or an entity as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.share import REJECT_REASONS
from schemas.units import HASHES_PER_DIFFICULTY, format_hps
from schemas.windows import WINDOWS

WINDOW_COLUMNS: Final = tuple(
    f"{kind}_{window.name}" for window in WINDOWS for kind in ("accepted", "rejected")
)
"""Columns of `worker_figures` and `entity_figures`, in the order of the stats object."""

_SCALES: Final = tuple(window.span_s for window in WINDOWS for _ in range(2))
_TEMPLATE: Final = (
    "{"
    + ",".join(f'"{window.name}":{{"hashrate":"%.2f","rejectrate":"%.2f"}}' for window in WINDOWS)
    + "}"
)
ZERO_STATS: Final = (_TEMPLATE % ((0.0,) * len(_SCALES))).encode()


def stats_of(sums: Sequence[float | None]) -> bytes:
    """The stats object of the windows' difficulty sums, in the order of `WINDOW_COLUMNS`.

    All None means that no figure was written yet: zeros. The arithmetic is `format_hps`.
    """
    if sums[0] is None:
        return ZERO_STATS
    rates = tuple(
        value * HASHES_PER_DIFFICULTY / span_s  # type: ignore[operator]
        for value, span_s in zip(sums, _SCALES, strict=True)
    )
    return (_TEMPLATE % rates).encode()


def sums_of(row: Mapping[str, Any]) -> tuple[float | None, ...]:
    return tuple(row[column] for column in WINDOW_COLUMNS)


def rejects_of(row: Mapping[str, Any], span_s: int) -> dict[str, str]:
    """Rejected work by reason in hashes per second; reasons without work are "0.00"."""
    return {reason: format_hps(row[reason] or 0.0, span_s) for reason in REJECT_REASONS}
