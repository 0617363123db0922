"""Pools, operators and miners as objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.errors import ConflictError
from query_api.store.users import invite
from schemas.access import Role
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/accounts.sql")
Page = tuple[Sequence[Row], int]
"""Rows and the count of all."""


async def pool(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["pool"], uid)


async def public_pool(database: Database, domain: str | None) -> Row | None:
    return await database.fetch_row(SQL["public_pool"], domain)


async def operator(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["operator"], uid)


async def miner(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["miner"], uid)


async def operators(database: Database, pool_id: int, *, limit: int, offset: int) -> Page:
    return _page(await database.fetch(SQL["operators_page"], pool_id, limit, offset))


async def miners(
    database: Database,
    *,
    pool_id: int | None = None,
    operator_id: int | None = None,
    limit: int,
    offset: int,
) -> Page:
    rows = await database.fetch(SQL["miners_page"], pool_id, operator_id, limit, offset)
    return _page(rows)


def _page(rows: Sequence[Row]) -> Page:
    return [row for row in rows if row["uid"] is not None], rows[0]["total_count"]


async def create_miner(
    database: Database,
    *,
    account_name: str,
    title: str | None,
    pool_id: int,
    operator_id: int | None,
    owner_email: str | None = None,
    owner_uid: UUID | None = None,
) -> UUID:
    """The new miner's uid; ConflictError where the account name is taken."""
    async with database.transaction() as connection:
        row = await connection.fetchrow(
            SQL["create_miner"], account_name, title, pool_id, operator_id
        )
        if row is None:
            raise ConflictError("body account_name: is taken")
        if owner_email is not None:
            owner_uid = (await invite(connection, owner_email))["uid"]
        if owner_uid is not None:
            await connection.execute(SQL["add_owner"], row["id"], owner_uid, Role.OWNER)
        uid: UUID = row["uid"]
        return uid


async def set_title(database: Database, miner_id: int, title: str | None) -> None:
    await database.execute(SQL["set_title"], miner_id, title)
