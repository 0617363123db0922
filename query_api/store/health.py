"""Is the database there, and has it the tables this version needs?"""

from __future__ import annotations

from typing import Final

from query_api.database import Database
from query_api.errors import UnavailableError
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/health.sql")

NEEDED_RELATIONS: Final = (
    "leader",
    "worker_figures",
    "worker_minutes",
    "worker_1d",
    "entity_1d",
    "api_keys",
    "webhook_deliveries",
)
"""One of each migration that this version reads."""


async def check(database: Database) -> None:
    """UnavailableError when the database is away or its schema is behind."""
    missing = await database.fetch_value(SQL["missing_relations"], list(NEEDED_RELATIONS))
    if missing:
        raise UnavailableError("the schema is not current: run `hashgauge migrate`")
