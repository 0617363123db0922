"""Is the database there, and is its schema the one this program was built for?"""

from __future__ import annotations

from typing import Final

from query_api.database import Database
from query_api.http.errors import UnavailableError
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/health.sql")


async def check(database: Database, *, schema_version: int) -> None:
    """UnavailableError if the database is away or older; newer is an upgrade under way."""
    version = await database.fetch_value(SQL["schema_version"])
    if version < schema_version:
        raise UnavailableError(
            f"the database has schema {version:04}, this program needs {schema_version:04}: "
            "run `hashgauge migrate`"
        )
