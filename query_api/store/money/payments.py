"""Payments: pages, a cursor, exports, balances."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.http.errors import InvalidInputError
from query_api.http.timestamps import BEGINNING
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_payments.sql")
# Some 100 KB of CSV.
EXPORT_ROWS: Final = 1_000

Page = tuple[Sequence[Row], int]


async def page(
    database: Database, entity_id: int, types: Sequence[str], *, limit: int, offset: int
) -> Page:
    """The newest first."""
    rows = await database.fetch(SQL["payments_page"], entity_id, list(types), limit, offset)
    return _page(rows)


async def page_since(
    database: Database,
    entity_id: int,
    types: Sequence[str],
    *,
    since: UUID | datetime,
    limit: int,
    offset: int,
) -> Page:
    """Those booked after a payment or from a time on, the earliest first: the id of the last one
    is the next cursor. InvalidInputError for a payment of somebody else."""
    number, time = 0, BEGINNING
    if isinstance(since, datetime):
        time = since
    else:
        number = await database.fetch_value(SQL["number_of"], entity_id, since)
        if number is None:
            raise InvalidInputError("query since: no such payment")
    rows = await database.fetch(
        SQL["payments_since"], entity_id, list(types), number, time, limit, offset
    )
    return _page(rows)


async def between(
    database: Database, entity_id: int, types: Sequence[str], *, start: datetime, end: datetime
) -> AsyncGenerator[Sequence[Row], None]:
    """Payments booked in `[start, end)`, the earliest first, piece by piece: no transaction stays
    open while a slow client reads."""
    after, number = BEGINNING, 0
    while True:
        rows = await database.fetch(
            SQL["payments_between"], entity_id, list(types), start, end, after, number, EXPORT_ROWS
        )
        yield rows
        if len(rows) < EXPORT_ROWS:
            return
        after, number = rows[-1]["created_at"], rows[-1]["number"]


async def payment(database: Database, entity_id: int, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["payment"], entity_id, uid)


async def balance_sat(database: Database, owner_id: int) -> int:
    """Of an entity's account, without what is on its way to the chain."""
    balance: int | None = await database.fetch_value(SQL["balance"], owner_id)
    return balance or 0


async def earned_sat(database: Database, entity_id: int) -> int:
    earned: int = await database.fetch_value(SQL["earned_all_time"], entity_id)
    return earned


async def pool_earned_sat(database: Database, miner_id: int, pool_id: int) -> int:
    earned: int = await database.fetch_value(SQL["pool_earned_from"], miner_id, pool_id)
    return earned


async def operator_earned_sat(database: Database, miner_id: int, operator_id: int) -> int:
    earned: int = await database.fetch_value(SQL["operator_earned_from"], miner_id, operator_id)
    return earned


def _page(rows: Sequence[Row]) -> Page:
    return [row for row in rows if row["id"] is not None], rows[0]["total_count"]
