"""Users: who they are and where they have rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


_BELONGINGS: Final = (
    *("move_roles", "move_keys", "move_bookmarks", "move_preferences"),
    *("move_telegram_invites", "move_telegram_chat"),
)


async def welcome(database: Database, uid: UUID, *, email: str | None) -> None:
    """A user's first contact, or the first with an address: a row of their own, and what was made
    for the address before.

    `email` must be verified: whoever has it takes over all that belongs to the invited one.
    """
    async with database.transaction() as connection:
        invited = None
        if email is not None:
            invited = await connection.fetchval(SQL["invited_user"], email)
        if invited is not None:
            await connection.execute(SQL["release_email"], invited)
        await connection.execute(SQL["add_user"], uid, email)
        if invited is not None:
            for belonging in _BELONGINGS:
                await connection.execute(SQL[belonging], invited, uid)
            await connection.execute(SQL["drop_user"], invited)


async def invite(connection: Any, email: str) -> Row:
    """The user with this address, as `invited` where there is none yet."""
    row: Row = await connection.fetchrow(SQL["user_of_email"], email)
    return row


async def find(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["user"], uid)


async def permissions(database: Database, uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["permissions"], uid)


async def internal_permissions(database: Database) -> Sequence[Row]:
    return await database.fetch(SQL["all_pools"])


async def watched_miner(database: Database, miner_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["watched_miner"], miner_id)
