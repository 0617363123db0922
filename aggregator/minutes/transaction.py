"""A transaction of intake: short waits, and nobody waits for a process that froze inside it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.offsets import Connection
from schemas.named_sql import load

SQL: Final = load("aggregator.minutes", "sql/transaction.sql")


@contextlib.asynccontextmanager
async def bounded(connection: Connection, config: IntakeConfig) -> AsyncIterator[None]:
    """Limits what this transaction may wait for, and how long others may wait for it."""
    async with connection.transaction():
        await connection.execute(
            SQL["bounds"],
            {
                "idle_ms": round(config.idle_in_transaction_s * 1_000),
                "lock_ms": round(config.lock_timeout_s * 1_000),
                "statement_ms": round(config.statement_timeout_s * 1_000),
            },
        )
        yield
