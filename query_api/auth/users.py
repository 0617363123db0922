"""Keys, users and watcher tokens as the database knows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from query_api.auth.caller import Caller, CallerKind
from query_api.auth.kratos import Identity
from query_api.database import Database, Row
from query_api.http.errors import UnauthorizedError
from schemas.access import Role, UserStatus
from schemas.runtime.named_sql import load

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
        caller = await self.by_uid(row["user_uid"])
        if row["role"] is None and row["entity_ids"] is None:
            return caller
        return replace(caller, limit=_limit(caller, row), sees_all=False)

    async def by_identity(self, identity: Identity) -> Caller:
        """The caller of a session, which `sign_ins.welcome` has made known here."""
        caller = await self.by_uid(identity.uid)
        return replace(caller, email=identity.email, session=True)

    async def by_uid(self, uid: UUID) -> Caller:
        row = await self._rights(uid)
        return Caller(
            CallerKind.USER,
            f"user:{uid}",
            user_uid=uid,
            email=row["email"],
            roles=_roles(row),
            active=row["status"] != UserStatus.INACTIVE,
            sees_all=row["all_pools"],
        )

    async def _rights(self, uid: UUID) -> Row:
        row = await self.database.fetch_row(SQL["user_rights"], uid)
        assert row is not None  # the query starts from a row of its own
        return row

    async def by_watcher_token(self, digest: bytes) -> Caller:
        row = await self.database.fetch_row(SQL["watcher_of_token"], digest)
        if row is None:
            raise UnauthorizedError(UNKNOWN)
        return Caller(
            CallerKind.WATCHER,
            f"watcher:{row['id']}",
            miner_id=row["miner_id"],
            extras=frozenset(row["extra_permissions"]),
        )


def _limit(caller: Caller, key: Row) -> Mapping[int, frozenset[Role]]:
    """What a key opens at most: its role, on its entities or wherever its user has one. A key of
    chosen entities without a role opens there what its user may do."""
    entity_ids = caller.roles if key["entity_ids"] is None else key["entity_ids"]
    roles = frozenset(Role) if key["role"] is None else frozenset({Role(key["role"])})
    return dict.fromkeys(entity_ids, roles)


def _roles(row: Row) -> Mapping[int, frozenset[Role]]:
    held: defaultdict[int, set[Role]] = defaultdict(set)
    for entity_id, role in zip(row["entity_ids"] or (), row["roles"] or (), strict=True):
        held[entity_id].add(Role(role))
    return {entity_id: frozenset(roles) for entity_id, roles in held.items()}
