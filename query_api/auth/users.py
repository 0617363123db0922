"""Keys, users and watcher tokens as the database knows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from query_api.auth.caller import Caller, CallerKind
from query_api.database import Database, Row
from query_api.errors import UnauthorizedError
from query_api.store import users
from schemas.access import Role
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/auth.sql")
UNKNOWN: Final = "the credential is not valid"


@dataclass(frozen=True, slots=True)
class Directory:
    """Looks callers up; remembers nothing."""

    database: Database

    async def by_key(self, digest: bytes) -> Caller:
        """The caller of a key by the key's sha256; 401 for an unknown or revoked one."""
        row = await self.database.fetch_row(SQL["caller_of_key"], digest)
        if row is None:
            raise UnauthorizedError(UNKNOWN)
        if row["user_uid"] is None:
            return Caller(CallerKind.INTERNAL, f"key:{row['id']}", sees_all=True)
        return await self.by_uid(row["user_uid"], email=None)

    async def by_uid(self, uid: UUID, *, email: str | None) -> Caller:
        """The caller of a user's id; a user whom the database has not seen, or not with an address,
        is welcomed. `email` is one that Kratos verified."""
        row = await self._rights(uid)
        if row["status"] is None or (row["email"] is None and email is not None):
            await users.welcome(self.database, uid, email=email)
            row = await self._rights(uid)
        # A key may be made for somebody who was invited and has not logged in yet.
        if row["status"] not in ("active", "invited"):
            raise UnauthorizedError("the account is not active")
        return Caller(
            CallerKind.USER,
            f"user:{uid}",
            user_uid=uid,
            email=row["email"] or email,
            roles=_roles(row),
            sees_all=row["all_pools"],
        )

    async def _rights(self, uid: UUID) -> Row:
        row = await self.database.fetch_row(SQL["user_rights"], uid)
        assert row is not None  # the query starts from a row of its own
        return row

    async def by_watcher_token(self, token: str) -> Caller:
        row = await self.database.fetch_row(SQL["watcher_of_token"], token)
        if row is None:
            raise UnauthorizedError(UNKNOWN)
        return Caller(CallerKind.WATCHER, f"watcher:{row['id']}", miner_id=row["miner_id"])


def _roles(row: Row) -> Mapping[int, frozenset[Role]]:
    held: defaultdict[int, set[Role]] = defaultdict(set)
    for entity_id, role in zip(row["entity_ids"] or (), row["roles"] or (), strict=True):
        held[entity_id].add(Role(role))
    return {entity_id: frozenset(roles) for entity_id, roles in held.items()}
