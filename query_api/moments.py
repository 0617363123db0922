"""From when until when times are taken as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

# Python's own ends cannot be turned into another time zone, and asyncpg takes them for infinity.
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(9999, 12, 31, tzinfo=UTC)


def storable(time: datetime) -> datetime:
    """The time, or the nearest one that everybody can write: nothing was before, or is after."""
    return min(max(time, BEGINNING), END)
