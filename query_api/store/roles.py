"""Roles that users hold on pools, operators and miners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.errors import ConflictError, NotFoundError
from query_api.store.users import invite
from schemas.access import Role
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


@dataclass(frozen=True, slots=True)
class Member:
    """A user with roles on one entity."""

    user: Row
    roles: Sequence[Role]


async def held(database: Database, entity_id: int, email: str) -> Member | None:
    """The user of that address with what it holds here; None where that is nothing."""
    user = await database.fetch_row(SQL["find_user_by_email"], email)
    if user is None:
        return None
    roles = await database.fetch_value(SQL["roles_on"], entity_id, user["uid"])
    return Member(user, [Role(role) for role in roles]) if roles else None


async def grant(database: Database, entity_id: int, *, email: str, roles: Sequence[Role]) -> Member:
    """Invite; ConflictError for who has a role here already."""
    async with database.transaction() as connection:
        user = await invite(connection, email)
        if await connection.fetchval(SQL["roles_on"], entity_id, user["uid"]):
            raise ConflictError("body email: has roles here already; change them with PATCH")
        await connection.execute(SQL["grant_roles"], entity_id, user["uid"], list(roles))
        return Member(user, roles)


async def replace(
    database: Database, entity_id: int, *, email: str, roles: Sequence[Role]
) -> Member:
    """Other roles, or none at all; NotFoundError for who has none, ConflictError where no owner
    would stay."""
    async with database.transaction() as connection:
        user = await connection.fetchrow(SQL["find_user_by_email"], email)
        rows = await connection.fetch(SQL["lock_roles"], entity_id)
        if user is None or not any(row["user_uid"] == user["uid"] for row in rows):
            raise NotFoundError("email: has no role here")
        if Role.OWNER not in roles and _only_owner(rows, user["uid"]):
            raise ConflictError("email: is the only owner")
        await connection.execute(SQL["clear_roles"], entity_id, user["uid"])
        await connection.execute(SQL["grant_roles"], entity_id, user["uid"], list(roles))
        return Member(user, roles)


def _only_owner(rows: Sequence[Any], uid: UUID) -> bool:
    owners = {row["user_uid"] for row in rows if row["role"] == Role.OWNER}
    return owners == {uid}
