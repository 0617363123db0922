"""A lease: one process at a time does the work, fenced by an epoch in a table of one row.

    stand by ──acquire──▶ epoch n ──renew, renew ...──▶ release, or somebody takes epoch n + 1
                              └─ every write transaction begins with `fence`

The database's clock decides when a lease has run out.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from ingest.errors import FatalError
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.postgres", "sql/lease.sql")
log: Final = structlog.get_logger(__name__)

LeaseTable = Literal["leader", "publisher", "settlement_leader"]
"""Tables of one row with `epoch`, `holder` and `renewed_at`."""


class LeaseLostError(Exception):
    """Another process holds the lease now: stand by, write nothing, retry nothing."""


class Lease:
    """One process's claim to the work that `table` stands for.

    Owned by the service that does the work. An epoch is valid until a higher one exists: a lease
    that ran out unnoticed and that nobody took is as good as new.
    """

    def __init__(self, holder: str, *, lease_s: float, table: LeaseTable = "leader") -> None:
        self._holder = holder
        self._lease_s = lease_s
        self._table = table
        self._sql = {name: text.format(table=table) for name, text in _SQL.items()}
        self.epoch: int | None = None

    async def acquire(self, connection: AsyncConnection[Any]) -> bool:
        """Whether this process holds the lease now."""
        row = await self._one(
            connection, "acquire", {"holder": self._holder, "lease_s": self._lease_s}
        )
        if row is None:
            return False
        self.epoch = row[0]
        log.info("lease_taken", table=self._table, epoch=self.epoch, holder=self._holder)
        return True

    async def renew(self, connection: AsyncConnection[Any]) -> None:
        """LeaseLostError if another process has taken it."""
        await connection.execute(self._sql["renew"], {"epoch": self.epoch})
        row = await self._one(connection, "epoch", {})
        if row is None:
            raise FatalError(f"table `{self._table}` has no row: run `hashgauge migrate`")
        if row[0] != self.epoch:
            raise LeaseLostError

    async def fence(self, connection: AsyncConnection[Any], *, shared: bool = False) -> None:
        """First in every write transaction: keep the lease to its end, or LeaseLostError.

        `shared` lets other transactions of this process run at the same time.
        """
        name = "fence_shared" if shared else "fence"
        if await self._one(connection, name, {"epoch": self.epoch}) is None:
            raise LeaseLostError

    async def release(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute(self._sql["release"], {"epoch": self.epoch})
        self.epoch = None

    async def _one(
        self, connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]
    ) -> tuple[Any, ...] | None:
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(self._sql[name], parameters)
            return await cursor.fetchone()
