"""The leader's lease: a fenced epoch in table `leader`, by the database's clock."""

from __future__ import annotations

from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from ingest.errors import FatalError
from schemas.named_sql import load

_SQL: Final = load("aggregator.figures", "sql/lease.sql")
log: Final = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Somebody else leads now: stand by, write nothing, retry nothing."""


class Lease:
    """One process's claim to be the leader.

    Owned by `FiguresLeader`. An epoch is held until a higher one is there: a lease that ran out
    unnoticed and that nobody took is as good as new.
    """

    def __init__(self, holder: str, *, lease_s: float) -> None:
        self._holder = holder
        self._lease_s = lease_s
        self.epoch: int | None = None

    async def acquire(self, connection: AsyncConnection[Any]) -> bool:
        """Whether this process leads now."""
        row = await _one(connection, "acquire", {"holder": self._holder, "lease_s": self._lease_s})
        if row is None:
            return False
        self.epoch = row[0]
        log.info("lease_taken", epoch=self.epoch, holder=self._holder)
        return True

    async def renew(self, connection: AsyncConnection[Any]) -> None:
        """LeaseLostError where somebody else has taken it."""
        await connection.execute(_SQL["renew"], {"epoch": self.epoch})
        row = await _one(connection, "epoch", {})
        if row is None:
            raise FatalError("table `leader` has no row: run `hashgauge migrate`")
        if row[0] != self.epoch:
            raise LeaseLostError

    async def fence(self, connection: AsyncConnection[Any]) -> None:
        """First in every write transaction: hold the lease to its end, or LeaseLostError."""
        if await _one(connection, "fence", {"epoch": self.epoch}) is None:
            raise LeaseLostError

    async def release(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute(_SQL["release"], {"epoch": self.epoch})
        self.epoch = None


async def _one(
    connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]
) -> tuple[Any, ...] | None:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchone()
