"""Pools, operators and miners as objects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.store.locks import lock_user
from query_api.store.money.sharing import add_referral
from query_api.store.pages import Page, page_of_rows
from query_api.store.people.invitations import OwnerInvitation
from query_api.store.workers import Direction
from schemas.access import Role
from schemas.names.search import ids_found
from schemas.runtime.named_sql import load
from schemas.worker import WorkerStatus

SQL: Final = load("query_api", "sql/accounts.sql")


async def pool(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["pool"], uid)


async def public_pool(database: Database, domain: str | None) -> Row | None:
    return await database.fetch_row(SQL["public_pool"], domain)


async def operator(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["operator"], uid)


async def miner(database: Database, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["miner"], uid)


async def operators(database: Database, pool_id: int, *, limit: int, offset: int) -> Page:
    return page_of_rows(await database.fetch(SQL["operators_page"], pool_id, limit, offset), "uid")


class MinerSort(StrEnum):
    """What a list of miners is sorted by."""

    NAME = "account_name"
    WORKERS = "workers"
    HASH_RATE_15M = "hash_rate_15m"
    HASH_RATE_1H = "hash_rate_1h"
    HASH_RATE_24H = "hash_rate_24h"
    REJECT_PCT_15M = "reject_pct_15m"


_KEYS: Final = {
    # In natural order and by code point, as workers are.
    MinerSort.NAME: ("account_name_key", 'account_name collate "C"'),
    MinerSort.WORKERS: ("coalesce(counts.workers, 0)",),
    MinerSort.HASH_RATE_15M: ("coalesce(accepted_15m, 0)",),
    MinerSort.HASH_RATE_1H: ("coalesce(accepted_1h, 0)",),
    MinerSort.HASH_RATE_24H: ("coalesce(accepted_1d, 0)",),
    MinerSort.REJECT_PCT_15M: (
        "coalesce(rejected_15m / nullif(accepted_15m + rejected_15m, 0), 0)",
    ),
}


@dataclass(frozen=True, slots=True)
class MinerQuery:
    """What a list shows. `statuses`: miners with workers in one of them; none: all miners."""

    statuses: Sequence[WorkerStatus] = ()
    sort: MinerSort = MinerSort.NAME
    direction: Direction = Direction.ASC
    search: str = ""
    limit: int = 10
    offset: int = 0


async def miners(
    database: Database,
    query: MinerQuery,
    *,
    pool_id: int | None = None,
    operator_id: int | None = None,
    email: str | None = None,
    under: Sequence[int] | None = None,
) -> Page:
    """`email`: of somebody with a role on them. `under`: ids of pools, operators and miners."""
    found = await _found(database, pool_id, operator_id, query.search) if query.search else None
    rows = await database.fetch(
        _miners_sql(query.sort, query.direction),
        *(pool_id, operator_id, email, under),
        list(query.statuses) or None,
        found,
        query.limit,
        query.offset,
    )
    return page_of_rows(rows, "uid")


@cache
def _miners_sql(sort: MinerSort, direction: Direction) -> str:
    order = ", ".join(f"{key} {direction}" for key in (*_KEYS[sort], "matching.id"))
    return SQL["miners_page"].replace("{order}", order)


async def _found(
    database: Database, pool_id: int | None, operator_id: int | None, search: str
) -> list[int]:
    """Ids of the miners with `search` in their account name or title."""
    rows = await database.fetch(SQL["miner_names"], pool_id, operator_id)
    return await asyncio.to_thread(ids_found, rows, search, "account_name", "title")


async def miners_by_status(
    database: Database, pool_id: int | None, operator_id: int | None
) -> dict[str, int]:
    """How many miners have workers in a status; a status of none is missing."""
    rows = await database.fetch(SQL["miners_by_status"], pool_id, operator_id)
    return {row["status"]: row["miners"] for row in rows}


async def oldest_miner(database: Database, entity_ids: Sequence[int]) -> UUID | None:
    """Of those ids that are miners'."""
    uid: UUID | None = await database.fetch_value(SQL["oldest_miner"], entity_ids)
    return uid


async def create_miner(
    database: Database,
    *,
    referrer_code: str | None = None,
    account_name: str,
    title: str | None,
    pool_id: int,
    operator_id: int | None,
    owner_uid: UUID | None = None,
    invite: OwnerInvitation | None = None,
    donor_id: int | None = None,
    first_fee: tuple[str, Decimal, str] | None = None,
    registered_by: UUID | None = None,
    at_most: int = 0,
) -> UUID:
    """The new miner's uid; ConflictError if the account name is taken, or if the user who registers
    it has registered `at_most` already.

    donor_id    the miner that made it to give it boundary workers
    first_fee   relation (`miner_pool`, `miner_operator`), rate, and who set it
    """
    async with database.transaction() as connection:
        if registered_by is not None:
            await lock_user(connection, registered_by)
            if await connection.fetchval(SQL["count_registered"], registered_by) >= at_most:
                raise ConflictError(f"one user registers at most {at_most} miners")
        row = await connection.fetchrow(
            SQL["create_miner"],
            *(account_name, title, pool_id, operator_id, donor_id, registered_by),
        )
        if row is None:
            raise ConflictError("body account_name: is taken")
        if invite is not None:
            await invite.send(connection, entity_id=row["id"], pool_id=pool_id)
        if owner_uid is not None:
            await connection.execute(SQL["add_owner"], row["id"], owner_uid, Role.OWNER)
        if referrer_code is not None:
            await add_referral(connection, row["id"], referrer_code)
        if first_fee is not None:
            await connection.execute(SQL["set_first_fee"], row["id"], *first_fee)
        uid: UUID = row["uid"]
        return uid


async def set_title(database: Database, miner_id: int, title: str | None) -> None:
    await database.execute(SQL["set_title"], miner_id, title)
