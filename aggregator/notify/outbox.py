"""The outbox: events get their numbers and are read by each channel from its own place.

Every method is one step that a kill can fall before or after; what it must leave behind is one
committed transaction. Writes check the lease's epoch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from schemas.events import Event, event_of
from schemas.named_sql import load

_SQL: Final = load("aggregator.notify", "sql/outbox.sql")

Connection = AsyncConnection[dict[str, Any]]
Pool = AsyncConnectionPool[Connection]


class PublisherLeaseLostError(Exception):
    """Somebody else publishes now: stand by, write nothing, retry nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of (after, to], in order. Channels that fan out in SQL need the bounds only."""

    after: int
    to: int
    events: tuple[Event, ...]


class Outbox:
    """The publisher's lease and the steps over table `events`.

    Owned by one `Publisher`. The pool's connections must give dictionaries (`dict_row`).
    """

    def __init__(self, pool: Pool, *, holder: str, lease_s: float) -> None:
        self._pool = pool
        self._holder = holder
        self._lease_s = lease_s
        self.epoch: int | None = None

    async def acquire(self) -> bool:
        """Whether this process publishes now."""
        row = await self._one("acquire", {"holder": self._holder, "lease_s": self._lease_s})
        self.epoch = row["epoch"] if row else None
        return row is not None

    async def renew(self) -> None:
        """PublisherLeaseLostError where somebody else has taken it."""
        if await self._one("renew", {"epoch": self.epoch}) is None:
            raise PublisherLeaseLostError

    async def release(self) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["release"], {"epoch": self.epoch})
        self.epoch = None

    async def number(self, batch: int) -> int:
        """Number the oldest events without a number; how many there were."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(_SQL["fence_numbering"], {"epoch": self.epoch})
            publisher = await cursor.fetchone()
            if publisher is None:
                raise PublisherLeaseLostError
            cursor = await connection.execute(
                _SQL["number"], {"sequence": publisher["sequence"], "batch": batch}
            )
            found = await cursor.fetchone()
            if found is None or not found["count"]:
                return 0
            await connection.execute(
                _SQL["save_sequence"], {"sequence": found["max"], "epoch": self.epoch}
            )
            return int(found["count"])

    async def open_channel(self, channel: str) -> None:
        async with self.transaction() as connection:
            await connection.execute(_SQL["open_channel"], {"channel": channel})

    async def after_cursor(self, channel: str, batch: int) -> Batch | None:
        """What the channel has to take next; None when it has taken everything."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_SQL["cursor"], {"channel": channel})
            place = await cursor.fetchone()
            after = place["sequence"] if place else 0
            cursor = await connection.execute(
                _SQL["events_after"], {"sequence": after, "batch": batch}
            )
            events = tuple(event_of(row) for row in await cursor.fetchall())
        return Batch(after, events[-1].sequence, events) if events else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A write of a channel. PublisherLeaseLostError where somebody else publishes."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(_SQL["fence"], {"epoch": self.epoch})
            if await cursor.fetchone() is None:
                raise PublisherLeaseLostError
            yield connection

    async def advance(self, connection: Connection, channel: str, sequence: int) -> None:
        """Within `transaction`: the channel has taken everything up to `sequence`."""
        await connection.execute(_SQL["advance"], {"channel": channel, "sequence": sequence})

    async def read(self, statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of a statement that only reads."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall()

    async def lag_s(self) -> dict[str, float]:
        """Age of the oldest event that each channel has not taken."""
        rows = await self.read(_SQL["lag"], {})
        return {row["channel"]: row["coalesce"] for row in rows}

    async def _one(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_SQL[name], parameters)
            return await cursor.fetchone()


async def configure(connection: Connection) -> None:
    """For the pool (`configure=`): rows as dictionaries, no lock that outlives a frozen owner."""
    connection.row_factory = dict_row
    await connection.set_autocommit(True)
    await connection.execute("set idle_in_transaction_session_timeout = '15s'")
    await connection.execute("set lock_timeout = '20s'")
