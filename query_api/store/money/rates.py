"""Reward rates as they are published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from query_api.database import Database, Row
from schemas.money import CURRENCY
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_rates.sql")


async def rates(database: Database, first: date, last: date) -> Sequence[Row]:
    return await database.fetch(SQL["reward_rates"], first, last, CURRENCY)


async def rate(database: Database, day: date) -> Row | None:
    return await database.fetch_row(SQL["reward_rate"], day, CURRENCY)
