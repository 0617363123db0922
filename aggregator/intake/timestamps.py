"""Epoch milliseconds ↔ what PostgreSQL and Python can name of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

# The last millisecond of the year 9999.
_LAST_MS: Final = 253_402_300_799_999


def nameable_ms(at_ms: int) -> int:
    """The nearest instant that has a name: producers stamp records as they like."""
    return min(max(at_ms, 0), _LAST_MS)


def timestamp_of(at_ms: int) -> datetime:
    """Epoch milliseconds → datetime; exact where the instant is nameable."""
    seconds, milliseconds = divmod(nameable_ms(at_ms), 1_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1_000)


def epoch_ms(at: datetime) -> int:
    """The inverse of `timestamp_of`."""
    return round(at.timestamp() * 1_000)
