"""Retention of events: by stream time, a bounded batch at a time, on either kind of database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.dirty import timestamp
from schemas.runtime.metrics import counter
from schemas.runtime.named_sql import load
from schemas.windows import DAY_S, floor_to

_SQL: Final = load("aggregator.figures", "sql/old_events.sql")
_MARK: Final = load("aggregator.figures", "sql/rollups.sql")["mark_retention"]
# Events looked at in one call, between two cycles; about as many are deleted.
_EVENTS_PER_CALL: Final = 10_000


class OldEvents:
    """Retention of the outbox. Owned by one term of a leader: it holds how far it has looked.

    A new term looks at what was left from the beginning: two or three events of each worker.
    """

    def __init__(self, keep: timedelta, *, per_call: int = _EVENTS_PER_CALL) -> None:
        self._keep_s = round(keep.total_seconds())
        self._per_call = per_call
        self._after = 0

    async def retain(self, connection: AsyncConnection[Any], *, stream_time_s: int) -> int:
        """Look at the next batch; returns how many events it held: more than 0 means, call again.

        `connection` must be in autocommit mode.
        """
        # Midnight: availability, which is by day, is known of every day from here on.
        kept_from = timestamp(floor_to(stream_time_s - self._keep_s, DAY_S))
        # Marked first: a crash in between leaves rows, never a day taken as known.
        mark = {"relation": "events", "kept_from": kept_from}
        await connection.execute(_MARK, mark)
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                _SQL["drop_superseded"],
                {"after": self._after, "limit": self._per_call, "kept_from": kept_from},
            )
            passed, last, dropped = await cursor.fetchone() or (0, None, 0)
        self._after = last or self._after
        counter("retention_rows_total").inc(dropped)
        return int(passed)
