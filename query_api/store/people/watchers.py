"""Watcher links: who holds one reads one miner. The token is compared as a hash, shown unsealed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.store.locks import lock_miner
from query_api.store.secrets import opened
from schemas.access import WATCHER_TOKEN_PREFIX
from schemas.runtime.named_sql import load
from schemas.sealing import Seal, digest_of

SQL: Final = load("query_api", "sql/users.sql")


async def page(
    database: Database, miner_id: int, *, limit: int, offset: int, seal: Seal
) -> tuple[Sequence[Row], int]:
    rows = await database.fetch(SQL["watchers_page"], miner_id, limit, offset)
    listed = [opened(row, "token", seal) for row in rows if row["id"] is not None]
    return listed, rows[0]["total_count"]


async def create(
    database: Database,
    miner_id: int,
    *,
    title: str | None,
    extra_permissions: Sequence[str],
    at_most: int,
    seal: Seal,
) -> Row:
    """ConflictError for a miner with `at_most` links in force."""
    token = WATCHER_TOKEN_PREFIX + secrets.token_hex(32)
    async with database.transaction() as connection:
        await lock_miner(connection, miner_id)
        if await connection.fetchval(SQL["count_watchers"], miner_id) >= at_most:
            raise ConflictError(f"a miner has at most {at_most} watcher links; revoke one first")
        row: Row = await connection.fetchrow(
            SQL["create_watcher"],
            *(miner_id, digest_of(token), seal.seal(token), title, list(extra_permissions)),
        )
    return dict(row) | {"token": token}


async def revoke(database: Database, miner_id: int, watcher_id: UUID) -> bool:
    return await database.fetch_value(SQL["revoke_watcher"], miner_id, watcher_id) is not None


async def permissions(database: Database, token: str) -> Row | None:
    return await database.fetch_row(SQL["watcher_permissions"], digest_of(token))


async def bookmarks(database: Database, user_uid: UUID, *, seal: Seal) -> Sequence[Row]:
    rows = await database.fetch(SQL["bookmarks"], user_uid)
    return [opened(row, "token", seal) for row in rows]


async def add_bookmark(database: Database, user_uid: UUID, token: str) -> bool:
    """False where the token opens nothing."""
    digest = digest_of(token)
    return await database.fetch_value(SQL["add_bookmark"], user_uid, digest) is not None


async def drop_bookmark(database: Database, user_uid: UUID, token: str) -> bool:
    digest = digest_of(token)
    return await database.fetch_value(SQL["drop_bookmark"], user_uid, digest) is not None
