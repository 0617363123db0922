"""After a topic was rewound: wait until all is counted anew, then make anew what stands upon it.

    rewind (`minutes/rewind`)      ends the leader's term; the next one begins here
    intake counts                  nothing is read or written: figures stand still, stale but whole
    all partitions are through     entity minutes and rollups are made anew, span by span
    `replay` is deleted            windows are rebuilt from the database as at any start

Worker minutes that are gone for good are the reason for a way of its own: a cycle sets the minutes
that it reads and would leave such rows in windows and entity minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.entity_minutes import write_entity_minutes
from aggregator.figures.minutes.merge import merge_flushed
from aggregator.figures.minutes.reader import minute_timestamp
from aggregator.figures.rollups.store import Dirty, RollupStore
from aggregator.postgres.lease import Lease
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS, MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/replays.sql")
# One transaction: at 100,000 workers 36 million rows are summed, and a crash repeats no more.
_SPAN_MIN: Final = 360
_QUARTER_S: Final = LEVELS[0].width_s

log: Final = structlog.get_logger(__name__)


async def complete_replay(
    connection: AsyncConnection[Any], lease: Lease, rollups: RollupStore
) -> bool:
    """Whether figures may be made: False while shares are still counted anew.

    `connection` must be in autocommit mode. LeaseLostError if another one leads.
    """
    while state := await _rows(connection, "state", {}):
        runs, completed_to, watermark = state[0]
        if runs:
            return False
        await merge_flushed(connection, lease, late_before=0)
        if watermark is None or completed_to >= watermark:
            await _finish(connection, lease)
        else:
            end = completed_to - completed_to % _SPAN_MIN + _SPAN_MIN
            await _remake(connection, lease, rollups, span=(completed_to, min(end, watermark)))
    return True


async def _remake(
    connection: AsyncConnection[Any], lease: Lease, rollups: RollupStore, *, span: tuple[int, int]
) -> None:
    """Entity minutes and rollups of the minutes of `span`, from its worker minutes as they are."""
    parameters = {"from": minute_timestamp(span[0]), "to": minute_timestamp(span[1])}
    async with connection.transaction():
        await lease.fence(connection)
        await connection.execute(_SQL["delete_dirty"], parameters)
        await connection.execute(_SQL["unpack"])
        await connection.execute(_SQL["delete_entity_minutes"], parameters)
        minutes = await _rows(connection, "minutes", parameters)
        await write_entity_minutes(connection, [minute for (minute,) in minutes])
        await rollups.refresh(connection, _quarters(*span))
        await connection.execute(_SQL["completed"], parameters)
    log.info("replay_remade", minutes=len(minutes), to=span[1] * MINUTE_S)


async def _finish(connection: AsyncConnection[Any], lease: Lease) -> None:
    async with connection.transaction():
        await lease.fence(connection)
        await connection.execute(_SQL["forget_sequences"])
        await connection.execute(_SQL["finish"])
    log.info("replay_over")


def _quarters(first: int, end: int) -> Iterable[Dirty]:
    """Buckets of the lowest level that hold the minutes [first, end), with work or without."""
    start_s = first * MINUTE_S - first * MINUTE_S % _QUARTER_S
    return [Dirty(minute_s) for minute_s in range(start_s, end * MINUTE_S, _QUARTER_S)]


async def _rows(
    connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchall()
