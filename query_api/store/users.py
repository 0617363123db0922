"""Users: who they are and where they have rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


async def welcome(database: Database, uid: UUID, *, email: str | None) -> None:
    """A user's first contact: a row of their own, and what was made for their address before.

    `email` must be verified: whoever has it takes over the roles and keys of the invited one.
    """
    async with database.transaction() as connection:
        invited = None
        if email is not None:
            invited = await connection.fetchval(SQL["invited_user"], email)
        if invited is not None:
            await connection.execute(SQL["release_email"], invited)
        await connection.execute(SQL["add_user"], uid, email)
        if invited is not None:
            await connection.execute(SQL["move_roles"], invited, uid)
            await connection.execute(SQL["move_keys"], invited, uid)
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
