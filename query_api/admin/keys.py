"""API keys: made, listed and revoked from the command line. Only their sha256 is stored."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from query_api.store.people.users import invite
from schemas.access import API_KEY_PREFIX
from schemas.addresses.email import normalized
from schemas.runtime.named_sql import load
from schemas.sealing import digest_of

SQL: Final = load("query_api", "sql/admin.sql")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed. `email` and `user_uid` are None for an internal key."""

    id: UUID
    title: str
    user_uid: UUID | None
    email: str | None
    created_at: datetime
    revoked_at: datetime | None


async def create_key(url: str, *, title: str, email: str | None = None) -> tuple[UUID, str]:
    """(id, key). With `email` the key is that user's (`Authorization: Bearer`), otherwise an
    internal one (`X-Headframe-API-Key`). The key cannot be read again."""
    key = API_KEY_PREFIX + secrets.token_hex(32)
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            user = None if email is None else await invite(connection, normalized(email))
            user_uid = None if user is None else user["uid"]
            key_id = await connection.fetchval(SQL["create_key"], digest_of(key), title, user_uid)
    finally:
        await connection.close()
    return key_id, key


async def list_keys(url: str) -> Sequence[Key]:
    """All keys, the oldest first, revoked ones included."""
    connection = await asyncpg.connect(url)
    try:
        return [Key(**dict(row)) for row in await connection.fetch(SQL["keys"])]
    finally:
        await connection.close()


async def revoke_key(url: str, key_id: UUID) -> bool:
    """False where there is no such key in force. It counts within `AccessConfig.cache_s`."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(SQL["revoke_key"], key_id) is not None
    finally:
        await connection.close()
