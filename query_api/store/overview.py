"""A pool at a glance: its largest miners, who dropped, what changed, how the service does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from query_api.database import Database, Row
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/overview.sql")

MINERS: Final = 10
EVENTS: Final = 15


@dataclass(frozen=True, slots=True)
class Overview:
    since: datetime
    top_miners: Sequence[Row]
    biggest_drops: Sequence[Row]
    events: Sequence[Row]
    health: Row


async def overview(database: Database, pool_id: int) -> Overview:
    """All of it over one connection."""
    async with database.connection() as connection:
        return Overview(
            since=await connection.fetchval(SQL["pool_since"], pool_id),
            top_miners=await connection.fetch(SQL["top_miners"], pool_id, MINERS),
            biggest_drops=await connection.fetch(SQL["biggest_drops"], pool_id, MINERS),
            events=await connection.fetch(SQL["latest_events"], pool_id, EVENTS),
            health=await connection.fetchrow(SQL["service_health"]),
        )
