"""Users of a pool, as its owner and its admins see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from query_api.auth.people_rights import Rank
from query_api.database import Database, Row
from query_api.store.pages import Page, page_of_rows
from schemas.access import Role
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/people.sql")


@dataclass(frozen=True, slots=True)
class PoolUser:
    """row: `uid`, `status`, `language`, `registered_at` · pools: those that it has roles in (none:
    it stands for an address that was invited)."""

    row: Row
    rank: Rank
    pools: frozenset[int]

    @property
    def uid(self) -> UUID:
        uid: UUID = self.row["uid"]
        return uid


async def find(database: Database, *, pool_id: int, uid: UUID) -> PoolUser | None:
    """None for a user who has nothing to do with the pool."""
    row = await database.fetch_row(SQL["in_pool"], uid, pool_id)
    if row is None:
        return None
    return PoolUser(row, _rank(row["pool_roles"]), frozenset(row["pools"]))


def _rank(pool_roles: Sequence[str]) -> Rank:
    if Role.OWNER in pool_roles:
        return Rank.OWNER
    return Rank.ADMIN if Role.ADMIN in pool_roles else Rank.MEMBER


async def page(database: Database, *, pool_id: int, active: bool, limit: int, offset: int) -> Page:
    return page_of_rows(await database.fetch(SQL["page"], pool_id, active, limit, offset), "uid")


async def permissions(database: Database, *, pool_id: int, uid: UUID) -> Sequence[Row]:
    return await database.fetch(SQL["permissions"], uid, pool_id)


async def set_status(database: Database, uid: UUID, status: str) -> None:
    await database.execute(SQL["set_status"], uid, status)


async def set_language(database: Database, uid: UUID, language: str) -> None:
    await database.execute(SQL["set_language"], uid, language)
