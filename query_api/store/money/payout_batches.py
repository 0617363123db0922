"""Payout batches of a pool. Steps are requests: rows that the payouts service carries out, since
the API has neither the node nor the wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_payouts.sql")

# The service looks every second; a caller is not kept waiting for longer than this.
_WAIT_S: Final = 3.0
_POLL_S: Final = 0.1


async def page(
    database: Database, pool_id: int, *, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    """Newest first, and the count of all."""
    rows = await database.fetch(SQL["batches"], pool_id, limit, offset)
    return rows, await database.fetch_value(SQL["count"], pool_id)


async def find(database: Database, pool_id: int, batch_id: UUID) -> Row | None:
    return await database.fetch_row(SQL["batch"], pool_id, batch_id)


async def parts(database: Database, batch_id: UUID) -> Mapping[str, Sequence[Row]]:
    """`items`, `left_out`, `transactions` and `steps` of a batch."""
    names = ("items", "left_out", "transactions", "steps")
    return {name: await database.fetch(SQL[name], batch_id) for name in names}


async def psbt(database: Database, batch_id: UUID) -> str | None:
    """Of the newest version without a signature."""
    found: str | None = await database.fetch_value(SQL["psbt"], batch_id)
    return found


async def money(database: Database, pool_id: int) -> Row | None:
    """As the service last saw it; None before it has."""
    return await database.fetch_row(SQL["money"], pool_id)


async def ask(
    database: Database,
    pool_id: int,
    action: str,
    *,
    batch_id: UUID | None,
    arguments: Mapping[str, Any],
    who: str,
) -> Row:
    """Write a request, and wait a moment for what becomes of it.

    ConflictError with the reason if it is refused.
    """
    text = orjson.dumps(arguments).decode()
    row = await database.fetch_row(SQL["ask"], pool_id, batch_id, action, text, who)
    assert row is not None
    for _ in range(round(_WAIT_S / _POLL_S)):
        found = await database.fetch_row(SQL["request"], row["id"])
        assert found is not None
        if found["outcome"] == "refused":
            raise ConflictError(found["message"])
        if found["outcome"] is not None:
            return found
        row = found
        await asyncio.sleep(_POLL_S)
    return row
