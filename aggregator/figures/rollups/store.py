"""Rollups on any database: the contract of a store, and the factory that picks one.

The leader calls it from its cycle; nobody else writes rollups.

    store = await open_rollups(connection, policies)         once, after migrations

    inside the cycle's transaction, after entity minutes are written:
        await store.refresh(connection, dirty)      all that was deleted from dirty_minutes

    after the commit, on an autocommit connection, about once a minute:
        await store.settle(connection, watermark_s=..., budget_s=10)
        await store.retain(connection, stream_time_s=...)

    before windows are rebuilt at a start:
        while await store.settle(connection, watermark_s=...): pass

On plain PostgreSQL a rollup is a view: the rows of closed buckets from a table, later ones summed
from the level below at each read, up to the watermark. `settle` closes the buckets that are
complete: it writes their rows, once. `refresh` makes rows of closed buckets anew within the
transaction, so rollups always agree with minutes. `retain` deletes old rows, some seconds a
call.

On TimescaleDB rollups are real-time continuous aggregates: what is newer than their watermark is
summed from the level below at each read, so new minutes need nothing. `refresh` notes the buckets
in `rollup_queue` (in the transaction, so that no crash forgets them); `settle` refreshes those that
are complete, bottom-up, range by range, oldest first. Until it has, a late share shows in minutes
and not yet in rollups. Every bucket with data goes through the queue, which leaves no hole behind
a watermark. Retention is a job in the database (procedure `hashgauge_retain`, by stream time).

Late rows need no second path: the merge's additive upsert works on compressed chunks too (`migrate`
lifts TimescaleDB's limit of 100,000 decompressed tuples for the whole database), and a
transaction with one late row costs little, since only the queued buckets are refreshed. No refresh
job goes by the wall clock: it would materialise buckets that are still filling.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.dirty import Dirty
from aggregator.figures.rollups.database_kind import LAID_OUT_SQL, DatabaseKind, laid_out
from aggregator.figures.rollups.plain import PlainRollups
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.timescale import TimescaleRollups
from ingest.errors import FatalError

__all__ = ["Dirty", "Policies", "RollupStore", "open_rollups"]


class RollupStore(Protocol):
    """What the leader asks of either kind of database. Stateless but for its settings."""

    async def refresh(
        self,
        connection: AsyncConnection[Any],
        dirty: Iterable[Dirty],
    ) -> None:
        """Bring rollups in line with `dirty` minutes, in the caller's open transaction."""
        ...

    async def settle(
        self, connection: AsyncConnection[Any], *, watermark_s: int, budget_s: float = 10.0
    ) -> int:
        """Store the buckets that ended by `watermark_s`, for about `budget_s`.

        `connection` must be in autocommit mode. Returns how many buckets are still due; one range
        of each level is stored even without time, so that a loop over it comes to an end.
        """
        ...

    async def retain(self, connection: AsyncConnection[Any], *, stream_time_s: int) -> int:
        """Delete what is too old by stream time, a bounded batch of it; returns rows deleted.

        `connection` must be in autocommit mode. More than 0 means: call again soon.
        """
        ...


async def open_rollups(connection: AsyncConnection[Any], policies: Policies) -> RollupStore:
    """The store for the database as it was migrated. FatalError where it was not."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(LAID_OUT_SQL)
        row = await cursor.fetchone()
    match laid_out(row[0] if row else None):
        case DatabaseKind.PLAIN:
            return PlainRollups(policies)
        case DatabaseKind.TIMESCALE:
            return TimescaleRollups()
        case None:
            message = "the database has no rollups: run `hashgauge migrate` first"
            raise FatalError(message)
