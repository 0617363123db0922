"""Users: who they are and where they have rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


async def invite(connection: Any, email: str) -> Row:
    """The user with this address, pending where there is none yet."""
    row: Row = await connection.fetchrow(SQL["user_of_email"], email)
    return row


async def find(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["user"], uid)


async def permissions(database: Database, uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["permissions"], uid)


async def named_entities(database: Database, entity_ids: Sequence[int]) -> Sequence[Row]:
    return await database.fetch(SQL["named_entities"], entity_ids)


async def internal_permissions(database: Database) -> Sequence[Row]:
    return await database.fetch(SQL["all_pools"])


async def watched_miner(database: Database, miner_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["watched_miner"], miner_id)
