"""RFC 3339 date-times → milliseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ingest.decode.columns import NO_TIMESTAMP

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def parse_ms(text: str) -> int:
    """Milliseconds, rounded down; `NO_TIMESTAMP` where it is no date-time with an offset.

    A leap second (`:60`) is refused: no clock of Unix time can mean it.
    """
    try:
        at = msgspec.convert(text, datetime)
    except (msgspec.ValidationError, OverflowError):
        return NO_TIMESTAMP
    if at.tzinfo is None:
        return NO_TIMESTAMP
    return (at - _EPOCH) // _MILLISECOND
