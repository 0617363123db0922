"""Deletion: asked for, kept, shown to admins, and carried out by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.http.timestamps import rfc3339
from query_api.store.pages import Page, page_of_rows
from query_api.store.people.mail import publish_for_entity
from schemas.messages.notifications import Notice
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/people.sql")
Kind = Literal["user", "miner"]
# Two entities are named; who has more of them sees the others after these.
_NAMED: Final = 2


async def request_for_user(database: Database, uid: UUID, *, by: UUID | None) -> Row:
    """The request, or the one that stands already."""
    async with database.transaction() as connection:
        return await _request(connection, "user", uid, by)


async def request_for_miner(
    database: Database, uid: UUID, *, entity_id: int, by: UUID | None
) -> None:
    """The miner's people hear of it, once."""
    async with database.transaction() as connection:
        row = await _request(connection, "miner", uid, by)
        if row["is_new"]:
            await publish_for_entity(
                connection,
                Notice.DELETE_REQUESTED,
                event_id=uuid5(NAMESPACE_URL, f"hashgauge:delete-requested:{row['id']}"),
                entity_id=entity_id,
                fields={"requested_at": rfc3339(row["created_at"])},
            )


async def _request(connection: Any, kind: Kind, uid: UUID, by: UUID | None) -> Row:
    row: Row = await connection.fetchrow(SQL["request_deletion"], kind, uid, by)
    return row


async def requested(database: Database, kind: Kind, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["deletion_request"], kind, uid)


async def page(database: Database, pool_id: int, *, limit: int, offset: int) -> Page:
    rows = await database.fetch(SQL["deletion_requests_page"], pool_id, limit, offset)
    return page_of_rows(rows, "subject_uid")


async def delete_user(
    connection: Any, uid: UUID, *, delete_identity: Callable[[UUID], Awaitable[None]]
) -> None:
    """All that is known of a user, here and in Kratos. In a transaction of the caller's.

    ConflictError while something would be left without an owner. The identity goes last: if Kratos
    does not answer, nothing has happened; if the commit fails after it, a repeat completes it.
    """
    await connection.fetchrow(SQL["lock_user"], uid)
    orphans = await connection.fetch(SQL["only_owner_of"], uid)
    if orphans:
        names = ", ".join(f"{row['kind']} {row['title']}" for row in orphans[:_NAMED])
        more = f" and {len(orphans) - _NAMED} more" if len(orphans) > _NAMED else ""
        raise ConflictError(f"the user is the only owner of {names}{more}")
    await connection.execute(SQL["delete_belongings_of_user"], uid)
    await connection.execute(SQL["delete_user"], uid)
    await delete_identity(uid)
