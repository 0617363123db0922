"""Stats objects: the windows of a worker or an entity as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from schemas.share import REJECT_REASONS
from schemas.units import format_hps, format_whole_hps
from schemas.windows import WINDOWS

WINDOW_COLUMNS: Final = tuple(
    f"{kind}_{window.name}" for window in WINDOWS for kind in ("accepted", "rejected")
)
"""Columns of `worker_figures` and `entity_figures`, in the order of the stats object."""

_SPANS_S: Final = tuple(window.span_s for window in WINDOWS for _ in range(2))
_TEMPLATE: Final = (
    "{"
    + ",".join(f'"{window.name}":{{"hashrate":"%s","rejectrate":"%s"}}' for window in WINDOWS)
    + "}"
)


def stats_of(sums: Sequence[float | None]) -> bytes:
    """The stats object of the windows' difficulty sums, in the order of `WINDOW_COLUMNS`.

    All None means that no figure was written yet: zeros.
    """
    return _stats(sums, format_hps)


def whole_stats_of(sums: Sequence[float | None]) -> bytes:
    """The same in whole hashes per second."""
    return _stats(sums, format_whole_hps)


def _stats(sums: Sequence[float | None], text: Callable[[float, int], str]) -> bytes:
    rates = (text(value or 0.0, span_s) for value, span_s in zip(sums, _SPANS_S, strict=True))
    return (_TEMPLATE % tuple(rates)).encode()


def sums_of(row: Mapping[str, Any]) -> tuple[float | None, ...]:
    return tuple(row[column] for column in WINDOW_COLUMNS)


def rejects_of(row: Mapping[str, Any], span_s: int) -> dict[str, str]:
    """Rejected work by reason in hashes per second; reasons without work are "0.00"."""
    return {reason: format_hps(row[reason] or 0.0, span_s) for reason in REJECT_REASONS}
