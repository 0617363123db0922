"""API keys of a user: named, limited, shown once, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.store.locks import lock_user
from schemas.access import API_KEY_PREFIX, Role
from schemas.runtime.named_sql import load
from schemas.sealing import digest_of

SQL: Final = load("query_api", "sql/people.sql")


async def in_force(database: Database, user_uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["keys"], user_uid)


async def create(
    database: Database,
    user_uid: UUID,
    *,
    title: str,
    role: Role | None,
    entity_ids: Sequence[int] | None,
    at_most: int,
) -> tuple[UUID, str]:
    """(id, key). The key cannot be read again. ConflictError for who has `at_most` already."""
    key, key_id = API_KEY_PREFIX + secrets.token_hex(32), uuid4()
    async with database.transaction() as connection:
        await lock_user(connection, user_uid)
        if await connection.fetchval(SQL["count_keys"], user_uid) >= at_most:
            raise ConflictError(f"there are {at_most} keys already; revoke one first")
        limits = (role, None if entity_ids is None else list(entity_ids))
        await connection.execute(
            SQL["create_key"], key_id, digest_of(key), user_uid, title, *limits
        )
    return key_id, key


async def revoke(database: Database, user_uid: UUID, key_id: UUID) -> bool:
    """False if the user has no such key in force."""
    return await database.fetch_value(SQL["revoke_key"], key_id, user_uid) is not None
