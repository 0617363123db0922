"""Connections, and transactions that neither wait for long nor make others wait."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from schemas.runtime.named_sql import load

Connection = AsyncConnection[Any]

_SQL: Final = load("aggregator.postgres", "sql/transaction.sql")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a transaction may wait for, and how long it may do nothing before the server ends it."""

    idle_s: float
    lock_s: float
    statement_s: float


@contextlib.asynccontextmanager
async def bounded(connection: Connection, bounds: Bounds) -> AsyncIterator[None]:
    """A transaction within `bounds`: nobody waits for a process that froze inside it."""
    async with connection.transaction():
        await connection.execute(
            _SQL["bounds"],
            {
                "idle_ms": round(bounds.idle_s * 1_000),
                "lock_ms": round(bounds.lock_s * 1_000),
                "statement_ms": round(bounds.statement_s * 1_000),
            },
        )
        yield
