"""Monthly statements, from one snapshot: lines and totals always agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from query_api.database import Database, Row
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_statements.sql")


@dataclass(frozen=True, slots=True)
class Statement:
    """A month: opening + all lines = closing."""

    first: date
    opening_sat: int
    closing_sat: int
    totals: Sequence[Row]
    lines: Sequence[Row]


def month_bounds(first: date) -> tuple[datetime, datetime]:
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    year, month = divmod(first.year * 12 + first.month, 12)
    return start, datetime(year, month + 1, 1, tzinfo=UTC)


async def statement(database: Database, entity_id: int, first: date) -> Statement:
    start, end = month_bounds(first)
    async with database.transaction(readonly=True) as connection:
        return Statement(
            first,
            await connection.fetchval(SQL["balance_at"], entity_id, start),
            await connection.fetchval(SQL["balance_at"], entity_id, end),
            await connection.fetch(SQL["totals"], entity_id, start, end),
            await connection.fetch(SQL["lines"], entity_id, start, end),
        )
