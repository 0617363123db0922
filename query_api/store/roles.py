"""Roles that users hold on pools, operators and miners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from query_api.auth.caller import NO_RIGHT
from query_api.database import Database
from query_api.http.errors import ConflictError, ForbiddenError, NotFoundError
from query_api.store.people import invitations
from schemas.access import Role
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/users.sql")


async def of_address(connection: Any, entity_id: int, email: str) -> Sequence[Role]:
    """What the user of that address holds here."""
    found = await connection.fetchval(SQL["roles_of_address"], entity_id, email)
    return [Role(role) for role in found or ()]


async def replace(
    database: Database, entity_id: int, *, email: str, roles: Sequence[Role], owners_too: bool
) -> None:
    """Other roles, or none at all, for who has some here or is invited.

    NotFoundError for who is neither, ConflictError if no owner would stay, ForbiddenError for an
    owner unless `owners_too`: an admin does not touch one.
    """
    async with database.transaction() as connection:
        rows = await connection.fetch(SQL["lock_roles"], entity_id)
        uid = await connection.fetchval(SQL["uid_of_address"], email)
        held = {row["role"] for row in rows if row["user_uid"] == uid}
        if not held:
            await _change_invitation(connection, entity_id, email=email, roles=roles)
            return
        if Role.OWNER in held and not owners_too:
            raise ForbiddenError(NO_RIGHT)
        await _set(connection, entity_id, rows, uid=uid, roles=roles)


async def leave(database: Database, entity_id: int, uid: UUID) -> None:
    """Give up one's own roles. NotFoundError for who has none here: one from above reaches down."""
    async with database.transaction() as connection:
        rows = await connection.fetch(SQL["lock_roles"], entity_id)
        if not any(row["user_uid"] == uid for row in rows):
            raise NotFoundError("you have no role here")
        await _set(connection, entity_id, rows, uid=uid, roles=())


async def _change_invitation(
    connection: Any, entity_id: int, *, email: str, roles: Sequence[Role]
) -> None:
    if roles:
        found = await invitations.change_roles(
            connection, entity_id=entity_id, email=email, roles=roles
        )
    else:
        found = await invitations.withdraw(connection, entity_id=entity_id, email=email)
    if not found:
        raise NotFoundError("email: has no role here")


async def _set(
    connection: Any, entity_id: int, rows: Sequence[Any], *, uid: UUID, roles: Sequence[Role]
) -> None:
    if Role.OWNER not in roles and _only_owner(rows, uid):
        raise ConflictError("email: is the only owner")
    await connection.execute(SQL["clear_roles"], entity_id, uid)
    await connection.execute(SQL["grant_roles"], entity_id, uid, list(roles))


def _only_owner(rows: Sequence[Any], uid: UUID) -> bool:
    owners = {row["user_uid"] for row in rows if row["role"] == Role.OWNER}
    return owners == {uid}
