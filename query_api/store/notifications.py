"""How a user wants to be told: preferences and the Telegram chat."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


async def preferences(database: Database, user_uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["preferences"], user_uid)


async def set_preference(
    database: Database, user_uid: UUID, *, channel: str, kind: str, enabled: bool
) -> None:
    await database.execute(SQL["set_preference"], user_uid, channel, kind, enabled)


async def create_invite(database: Database, user_uid: UUID, *, valid_s: int) -> Row:
    """A code that the user sends to the bot; letters that Telegram takes in a start link."""
    code = secrets.token_urlsafe(24)
    row = await database.fetch_row(SQL["create_invite"], code, user_uid, timedelta(seconds=valid_s))
    assert row is not None  # an insert that always returns
    return row


async def newest_invite(database: Database, user_uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["newest_invite"], user_uid)


async def chat(database: Database, user_uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["chat"], user_uid)


async def drop_chat(database: Database, user_uid: UUID) -> bool:
    return await database.fetch_value(SQL["drop_chat"], user_uid) is not None
