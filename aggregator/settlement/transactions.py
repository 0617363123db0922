"""Transactions that settle or correct: one at a time, whoever asks.

The service and a command may meet, and two commands: each waits until the other's transaction has
ended, and then sees all that it wrote.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from psycopg import AsyncConnection

from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/transactions.sql")
SNAPSHOT: Final = _SQL["snapshot"]
"""First in a transaction: all of it sees one moment."""


class Transaction(Protocol):
    """Opens a transaction that begins with `begin` and holds the lease, if there is one."""

    def __call__(self, *, snapshot: bool = False) -> AbstractAsyncContextManager[None]: ...


async def begin(connection: AsyncConnection[Any], *, snapshot: bool) -> None:
    """First in a transaction that writes: wait for others. With `snapshot` it sees one moment from
    then on."""
    if snapshot:
        await connection.execute(SNAPSHOT)
    await connection.execute(_SQL["wait_for_others"])
