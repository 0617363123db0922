"""Where history ends and live counting begins, and how finely what is older is kept.

    ─── imported ───────────────────▶│◀─── the live topic ───────▶
                                live_from: the midnight before the first live share

No bucket of a day, and no settled day, is of both, so each side may be counted again, settled and
corrected without the other. Before the first live share it is the midnight of today, and moves on
with each import; from then on it stays.
"""

from __future__ import annotations

import math
from typing import Final

from aggregator.figures.rollups.retention import Policies
from aggregator.imports.ages import Ages, ages
from aggregator.postgres.connection import Connection
from aggregator.postgres.rows import one_row, rows
from schemas.runtime.named_sql import load
from schemas.windows import DAY_S, floor_to

SQL: Final = load("aggregator.imports", "sql/imports.sql")


async def note_boundary(connection: Connection, *, now_s: int) -> int:
    """Where live counting begins (epoch seconds), in the caller's open transaction."""
    noted_s, is_live, _, _ = await _boundary(connection)
    live_from_s = now_s
    if is_live:
        row = await one_row(connection, SQL["first_live"], {"noted_s": noted_s or 0})
        if row is not None and row[0] is not None:
            live_from_s = row[0]
    live_from_s = max(noted_s or 0, floor_to(live_from_s, DAY_S))
    await connection.execute(SQL["note_boundary"], {"live_from_s": live_from_s})
    return live_from_s


async def mark_ages(
    connection: Connection, policies: Policies, *, live_from_s: int, now_s: int
) -> Ages:
    """The ages as of now, in the caller's open transaction: retention waits for its end."""
    _, _, stream_s, _ = await _boundary(connection)
    at_s = now_s if stream_s is None else min(now_s, stream_s)
    wanted_s = ages(policies, now_s=at_s, live_from_s=live_from_s, marked_s=0).minutes_from_s
    marks = await rows(connection, SQL["mark_minutes"], {"kept_from_s": wanted_s})
    # Retention by an interval that is no whole number of days marks midnights all the same.
    marked_s = math.ceil(max(mark for (mark,) in marks) / DAY_S) * DAY_S
    return ages(policies, now_s=at_s, live_from_s=live_from_s, marked_s=marked_s)


async def _boundary(connection: Connection) -> tuple[int | None, bool, int | None, int | None]:
    row = await one_row(connection, SQL["boundary"])
    assert row is not None
    return row[0], row[1], row[2], row[3]
