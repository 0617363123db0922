"""Watcher links: who holds one reads one miner."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.access import WATCHER_TOKEN_PREFIX
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


async def page(
    database: Database, miner_id: int, *, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    rows = await database.fetch(SQL["watchers_page"], miner_id, limit, offset)
    return [row for row in rows if row["id"] is not None], rows[0]["total_count"]


async def create(
    database: Database, miner_id: int, *, title: str | None, extra_permissions: Sequence[str]
) -> Row:
    token = WATCHER_TOKEN_PREFIX + secrets.token_hex(32)
    row = await database.fetch_row(
        SQL["create_watcher"], miner_id, token, title, list(extra_permissions)
    )
    assert row is not None  # an insert that always returns
    return row


async def revoke(database: Database, miner_id: int, watcher_id: UUID) -> bool:
    return await database.fetch_value(SQL["revoke_watcher"], miner_id, watcher_id) is not None


async def permissions(database: Database, token: str) -> Row | None:
    return await database.fetch_row(SQL["watcher_permissions"], token)


async def bookmarks(database: Database, user_uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["bookmarks"], user_uid)


async def add_bookmark(database: Database, user_uid: UUID, token: str) -> bool:
    """False where the token opens nothing."""
    return await database.fetch_value(SQL["add_bookmark"], user_uid, token) is not None


async def drop_bookmark(database: Database, user_uid: UUID, token: str) -> bool:
    return await database.fetch_value(SQL["drop_bookmark"], user_uid, token) is not None
