"""The outbox: notices get their numbers, and each subscriber reads events from a place of its own.

The leader's events have theirs from when they were appended.

Every method is one transaction, so a kill falls before or after it. Writes check the lease's epoch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from aggregator.postgres.lease import Lease
from schemas.messages.events import Event, event_of
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.notify", "sql/outbox.sql")

Connection = AsyncConnection[dict[str, Any]]
Pool = AsyncConnectionPool[Connection]


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of (after, to]; whether notices are among them."""

    after: int
    to: int
    notices: bool


class Outbox:
    """The publisher's lease and the steps over table `events`.

    Owned by one `Publisher`. The pool's connections must give dictionaries (`dict_row`).
    """

    def __init__(self, pool: Pool, *, holder: str, lease_s: float) -> None:
        self._pool = pool
        self._lease = Lease(holder, lease_s=lease_s, table="publisher")

    @property
    def epoch(self) -> int | None:
        return self._lease.epoch

    async def acquire(self) -> bool:
        """Whether this process publishes now."""
        async with self._pool.connection() as connection:
            return await self._lease.acquire(connection)

    async def renew(self) -> None:
        """LeaseLostError if another process has taken it.

        It waits for its own channels' transactions: they are too many and too short to renew the
        lease themselves.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await self._lease.fence(connection)
            await self._lease.renew(connection)

    async def release(self) -> None:
        async with self._pool.connection() as connection:
            await self._lease.release(connection)

    async def number(self, batch: int) -> int:
        """Number the oldest events without a number; how many there were.

        None while the leader appends its own, which may take longer than a lease lives: so that is
        asked before the lease is held.
        """
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(_SQL["newest_sequence"])
            newest = await cursor.fetchone()
            await self._lease.fence(connection)
            if newest is None:
                return 0
            cursor = await connection.execute(_SQL["number"], {"batch": batch, **newest})
            found = await cursor.fetchone()
            if found is None or not found["count"]:
                return 0
            await connection.execute(_SQL["save_sequence"], {"sequence": found["max"]})
            return int(found["count"])

    async def open_channels(self, channels: Sequence[str]) -> None:
        async with self.transaction() as connection:
            await connection.execute(_SQL["open_channels"], {"channels": channels})

    async def after_cursor(self, channel: str, batch: int) -> Batch | None:
        """What the channel publishes next; None if it has published everything."""
        (row,) = await self.read(_SQL["after_cursor"], {"channel": channel, "batch": batch})
        return None if row["to"] is None else Batch(**row)

    async def events_of(self, batch: Batch) -> list[Event]:
        """The batch's events of workers and sources, in order; not its notices."""
        rows = await self.read(_SQL["events_of"], {"after": batch.after, "to": batch.to})
        return [event_of(row) for row in rows]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A write of a channel. LeaseLostError if another process publishes."""
        async with self._pool.connection() as connection, connection.transaction():
            await self._lease.fence(connection, shared=True)
            yield connection

    async def advance(self, connection: Connection, channel: str, sequence: int) -> None:
        """Within `transaction`: the channel has published everything up to `sequence`."""
        await connection.execute(_SQL["advance"], {"channel": channel, "sequence": sequence})

    async def read(self, statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of a statement that only reads."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall()

    async def lag_s(self) -> dict[str, float]:
        """Age of the oldest event that each channel has not published."""
        rows = await self.read(_SQL["lag"], {})
        return {row["channel"]: row["coalesce"] for row in rows}


async def configure(connection: Connection) -> None:
    """For the pool (`configure=`): rows as dictionaries, no lock that outlives a frozen owner."""
    connection.row_factory = dict_row
    await connection.set_autocommit(True)
    await connection.execute("set idle_in_transaction_session_timeout = '15s'")
    await connection.execute("set lock_timeout = '20s'")
