"""Invitations: roles that wait until the person with an address accepts them.

    invite ──► open ──accept──► the role is held
                │  └─withdraw─► ended (revoked, or invited anew)
                └──valid_until─► expired; sent again, it is open

Until then a user without address or roles stands for the address, in each pool another one, and the
same for an address with an account as for one without: lists do not tell who has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from query_api.auth.invitation_codes import InvitationCodes
from query_api.config import InvitationConfig
from query_api.database import Database, Row
from query_api.http.errors import InvalidInputError, TooManyRequestsError
from query_api.http.timestamps import rfc3339
from query_api.store.locks import lock_user
from query_api.store.pages import Page, page_of_rows
from query_api.store.people.mail import send_mail
from query_api.store.people.users import SQL as USERS_SQL
from schemas.access import Role
from schemas.messages.notifications import MailKind
from schemas.runtime.named_sql import load
from schemas.sealing import digest_of

SQL: Final = load("query_api", "sql/invitations.sql")


@dataclass(frozen=True, slots=True)
class Invitations:
    """Makes, sends and accepts invitations, each in one transaction with its mail."""

    config: InvitationConfig
    codes: InvitationCodes

    async def invite(
        self,
        connection: Any,
        *,
        email: str,
        entity_id: int,
        pool_id: int,
        roles: Sequence[Role],
        by: UUID | None,
    ) -> Row:
        """An invitation in place of one that is still open. TooManyRequestsError for who has sent
        too many today."""
        await self._within_limit(connection, by)
        ended = await connection.fetchrow(SQL["withdraw"], entity_id, email)
        user_uid = ended["user_uid"] if ended else await _invitee(connection, email, pool_id)
        kept = [Role.OWNER] if ended and Role.OWNER in ended["roles"] else []
        invitation_id = uuid4()
        row: Row = await connection.fetchrow(
            SQL["add"],
            *(invitation_id, digest_of(self.codes.code(invitation_id)), email, user_uid),
            *(
                entity_id,
                list(dict.fromkeys([*kept, *roles])),
                by,
                timedelta(seconds=self.config.valid_s),
            ),
        )
        await self._send(connection, row)
        return row

    def to_own(self, email: str | None, *, by: UUID | None) -> OwnerInvitation | None:
        """To be the owner of a miner that is about to be made; None without an address."""
        return None if email is None else OwnerInvitation(self, email, by)

    async def send_again(
        self, database: Database, *, user_uid: UUID, pool_id: int, by: UUID | None
    ) -> Row:
        """New codes for what waits for a user; the newest of them. The old ones end."""
        async with database.transaction() as connection:
            waiting = await connection.fetch(SQL["open_of_user"], user_uid, pool_id)
            if not waiting:
                raise InvalidInputError("path user_id: nothing waits for this user")
            for old in waiting:
                await self._within_limit(connection, by)
                row: Row = await self._renew(connection, old["id"], by)
                await self._send(connection, row)
            return row

    async def accept(
        self, database: Database, *, user_uid: UUID, email: str, code: str | None
    ) -> int:
        """How many were accepted by the user whose verified address is `email`. Again the same for
        who comes back with a code that he has accepted."""
        digest = None if code is None else digest_of(code)
        async with database.transaction() as connection:
            rows = await connection.fetch(SQL["to_accept"], email, digest)
            own = [row for row in rows if row["email"] == email]
            for row in own:
                await connection.execute(
                    USERS_SQL["grant_roles"], row["entity_id"], user_uid, row["roles"]
                )
                await connection.execute(SQL["accept"], row["id"], user_uid)
                await connection.execute(SQL["drop_invitee"], row["user_uid"])
            if not own and digest is not None:
                return int(await connection.fetchval(SQL["accepted_before"], email, digest))
            return len(own)

    async def _renew(self, connection: Any, invitation_id: UUID, by: UUID | None) -> Row:
        new_id = uuid4()
        valid = timedelta(seconds=self.config.valid_s)
        digest = digest_of(self.codes.code(new_id))
        row: Row = await connection.fetchrow(SQL["renew"], invitation_id, new_id, digest, valid, by)
        return row

    async def _within_limit(self, connection: Any, by: UUID | None) -> None:
        if by is None:  # the pool's own services
            return
        await lock_user(connection, by)
        if await connection.fetchval(SQL["sent_lately"], by) >= self.config.per_user_and_day:
            raise TooManyRequestsError("too many invitations today", retry_after_s=3_600)

    async def _send(self, connection: Any, row: Row) -> None:
        title = await connection.fetchval(SQL["title_of"], row["entity_id"])
        await send_mail(
            connection,
            MailKind.INVITATION,
            to=row["email"],
            # Of the invited one nothing is known, or nothing may be shown.
            language=self.config.language,
            fields={
                "code": self.codes.code(row["id"]),
                "valid_until": rfc3339(row["valid_until"]),
                "title": title,
            },
        )


@dataclass(frozen=True, slots=True)
class OwnerInvitation:
    """For somebody who shall own what is made in the same transaction."""

    invitations: Invitations
    email: str
    by: UUID | None

    async def send(self, connection: Any, *, entity_id: int, pool_id: int) -> None:
        await self.invitations.invite(
            connection,
            email=self.email,
            entity_id=entity_id,
            pool_id=pool_id,
            roles=[Role.OWNER],
            by=self.by,
        )


async def _invitee(connection: Any, email: str, pool_id: int) -> UUID:
    """A member of the pool, who is known there anyway; else whoever stands for the address."""
    for known in ("member_of_pool", "invitee"):
        if (uid := await connection.fetchval(SQL[known], email, pool_id)) is not None:
            return UUID(str(uid))
    return UUID(str(await connection.fetchval(SQL["add_invitee"])))


async def withdraw(connection: Any, *, entity_id: int, email: str) -> bool:
    """End what waits for an address here; False if nothing does."""
    ended = await connection.fetchrow(SQL["withdraw"], entity_id, email)
    return ended is not None


async def change_roles(
    connection: Any, *, entity_id: int, email: str, roles: Sequence[Role]
) -> bool:
    """Other roles in what waits for an address here; False if nothing does."""
    found = await connection.fetchval(SQL["set_roles"], entity_id, email, list(roles))
    return found is not None


async def waiting_for(database: Database, email: str) -> Sequence[Row]:
    """What an address may accept."""
    return await database.fetch(SQL["waiting_for"], email)


async def of_user(
    database: Database, *, user_uid: UUID, pool_id: int, limit: int, offset: int
) -> Page:
    return page_of_rows(
        await database.fetch(SQL["page_of_user"], user_uid, pool_id, limit, offset), "id"
    )


async def of_entity(database: Database, entity_id: int, *, limit: int, offset: int) -> Page:
    return page_of_rows(await database.fetch(SQL["page_of_entity"], entity_id, limit, offset), "id")
