"""What the command line does to people: the first owner of a pool, and deletions by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from query_api.auth.kratos_admin import KratosAdmin
from query_api.config import KratosConfig
from query_api.database import Row
from query_api.store.people.deletions import delete_user
from query_api.store.people.users import SQL as USERS_SQL
from query_api.store.people.users import invite
from schemas.access import Role
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/admin.sql")


class PeopleError(ValueError):
    """What was named is not there."""


async def make_owner(url: str, *, pool: str, email: str) -> UUID:
    """The pool's id. Whoever verifies the address owns the pool from the first sign-in on."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            found = await connection.fetchrow(SQL["pool_by_name"], pool)
            if found is None:
                raise PeopleError(f"no pool has the domain or title {pool}")
            user = await invite(connection, email)
            roles = [Role.OWNER.value]
            await connection.execute(USERS_SQL["grant_roles"], found["id"], user["uid"], roles)
            uid: UUID = found["uid"]
            return uid
    finally:
        await connection.close()


async def deletion_requests(url: str) -> Sequence[Row]:
    """What waits, the oldest first."""
    connection = await asyncpg.connect(url)
    try:
        rows: Sequence[Row] = await connection.fetch(SQL["deletion_requests"])
        return rows
    finally:
        await connection.close()


async def delete_user_now(url: str, kratos: KratosConfig, uid: UUID) -> None:
    """As the API does it: ConflictError for an only owner, UnavailableError without Kratos, and
    nothing has happened then."""
    connection = await asyncpg.connect(url)
    admin = KratosAdmin(kratos)
    try:
        async with connection.transaction():
            await delete_user(connection, uid, delete_identity=admin.delete_identity)
    finally:
        await admin.close()
        await connection.close()


async def delete_miner_now(url: str, account_name: str) -> None:
    """Nobody has access any more and nothing is sent; shares and money that were counted stay, and
    the name stays taken."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            miner = await connection.fetchrow(SQL["close_miner"], account_name)
            if miner is None:
                raise PeopleError(f"no miner is called {account_name}")
            for what in ("close_roles", "close_invitations", "close_watchers", "close_webhooks"):
                await connection.execute(SQL[what], miner["id"])
            await connection.execute(SQL["complete_deletion"], "miner", miner["uid"])
    finally:
        await connection.close()
