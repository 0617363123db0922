"""What operators do about mail by command: see what failed, send it again."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.notify", "sql/mail.sql")

Connection = AsyncConnection[dict[str, Any]]


async def list_failed(connection: Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """Mails that were refused or given up, oldest first. What stands in them is not shown."""
    cursor = await connection.execute(_SQL["list_failed"], {"limit": limit})
    return await cursor.fetchall()


async def replay_failed(connection: Connection, *, mail_id: int | None = None) -> int:
    """Send one of them, or all, again under the same Message-ID; how many that are."""
    cursor = await connection.execute(_SQL["replay_failed"], {"mail_id": mail_id})
    return cursor.rowcount
