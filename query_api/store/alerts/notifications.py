"""What a user is notified of: preferences and the Telegram chat."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.store.secrets import opened
from schemas.runtime.named_sql import load
from schemas.sealing import Seal, digest_of

SQL: Final = load("query_api", "sql/users.sql")
_LETTERS: Final = string.ascii_letters + string.digits
# 142 bits.
_CODE_LENGTH: Final = 24


async def preferences(database: Database, user_uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["preferences"], user_uid)


async def set_preferences(
    database: Database, user_uid: UUID, changes: Iterable[tuple[str, str, bool]]
) -> None:
    """All of (channel, key, enabled), or none."""
    async with database.transaction() as connection:
        for channel, key, enabled in changes:
            await connection.execute(SQL["set_preference"], user_uid, channel, key, enabled)


async def bot(database: Database) -> Row | None:
    """The Telegram bot as it introduced itself; None if no notifier runs one."""
    return await database.fetch_row(SQL["telegram_bot"])


async def create_invite(database: Database, user_uid: UUID, *, valid_s: int, seal: Seal) -> Row:
    """A code that the user sends to the bot; letters and digits, as Telegram's links take them."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    stored = (digest_of(code), seal.seal(code))
    row = await database.fetch_row(
        SQL["create_invite"], *stored, user_uid, timedelta(seconds=valid_s)
    )
    assert row is not None  # an insert that always returns
    return dict(row) | {"code": code}


async def newest_invite(database: Database, user_uid: UUID, *, seal: Seal) -> Row | None:
    row = await database.fetch_row(SQL["newest_invite"], user_uid)
    return None if row is None else opened(row, "code", seal)


async def chat(database: Database, user_uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["chat"], user_uid)


async def drop_chat(database: Database, user_uid: UUID) -> bool:
    return await database.fetch_value(SQL["drop_chat"], user_uid) is not None


async def disconnection(database: Database, user_uid: UUID) -> Row | None:
    """Why the bot can no longer write to the user's last chat."""
    return await database.fetch_row(SQL["disconnection"], user_uid)
