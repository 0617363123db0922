"""Rollups, whatever the database: the store's contract, and the factory that knows the flavour.

The leader calls it from its beat; nobody else writes rollups.

    store = await open_rollups(connection, policies)         once, after migrations

    inside the beat's transaction, after entity minutes are written:
        await store.refresh(connection, touched)      all that was deleted from touched_minutes

    after the commit, on an autocommit connection, about once a minute:
        await store.settle(connection, complete_to_s=..., budget_s=10)
        await store.retain(connection, stream_time_s=...)

    before windows are rebuilt at a start:
        while await store.settle(connection, complete_to_s=...): pass

On plain PostgreSQL `refresh` makes the rollup rows anew within the transaction, so rollups always
agree with minutes; `settle` does nothing; `retain` deletes old rows, a bounded batch a call.

On TimescaleDB rollups are real-time continuous aggregates: what is newer than their watermark is
summed from the level below at each read, so new minutes need nothing. `refresh` notes the buckets
in `rollup_queue` (in the transaction, so that no crash forgets them); `settle` refreshes those that
are complete, bottom-up, range by range, oldest first. Until it has, a late share shows in minutes
and not yet in rollups. Every bucket with data goes through the queue, which leaves no hole behind
a watermark. Retention is a job in the database (procedure `hashgauge_retain`, by stream time).

Late rows need no second path: the merge's additive upsert works on compressed chunks too (`migrate`
lifts TimescaleDB's ceiling of 100,000 decompressed tuples for the whole database), and a
transaction with one late row costs nothing much, since only the queued buckets are refreshed and
the policies' own refresh looks back hours, not days.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.flavour import LAID_OUT_SQL, Flavour, laid_out
from aggregator.figures.plain_rollups import PlainRollups
from aggregator.figures.policies import Policies
from aggregator.figures.timescale_rollups import TimescaleRollups
from aggregator.figures.touched import Touched
from ingest.errors import FatalError

__all__ = ["Policies", "RollupStore", "Touched", "open_rollups"]


class RollupStore(Protocol):
    """What the leader asks of either flavour. Stateless but for its settings."""

    async def refresh(self, connection: AsyncConnection[Any], touched: Iterable[Touched]) -> None:
        """Bring rollups in line with `touched` minutes, in the caller's open transaction."""
        ...

    async def settle(
        self, connection: AsyncConnection[Any], *, complete_to_s: int, budget_s: float = 10.0
    ) -> int:
        """Refresh noted buckets that ended by `complete_to_s`, for about `budget_s`.

        `connection` must be in autocommit mode. Returns how many buckets are still due; one range
        of each level is refreshed even without time, so that a loop over it comes to an end.
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
        case Flavour.PLAIN:
            return PlainRollups(policies)
        case Flavour.TIMESCALE:
            return TimescaleRollups()
        case None:
            message = "the database has no rollups: run `hashgauge migrate` first"
            raise FatalError(message)
