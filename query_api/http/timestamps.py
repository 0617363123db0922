"""Times as the API takes and writes them: UTC, whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

# Python's own ends cannot be turned into another time zone, and asyncpg takes them for infinity.
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(9999, 12, 31, tzinfo=UTC)


def storable(time: datetime) -> datetime:
    """The time, or the nearest one that everybody can write: nothing was before, or is after."""
    return min(max(time, BEGINNING), END)


def day_later(start: datetime) -> datetime:
    """The end of the day that begins at `start`, as far as everybody can write it."""
    return start + timedelta(days=1) if start < END else start


# All answers of one version say as of when they are.
@lru_cache(maxsize=256)
def rfc3339(time: datetime) -> str:
    """Whole seconds, UTC: `2022-09-13T10:00:00Z`."""
    # Not strftime: its %Y leaves the zeros of a year before 1000 out.
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def rfc3339_or_none(time: datetime | None) -> str | None:
    return None if time is None else rfc3339(time)
