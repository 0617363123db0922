"""Figures for anybody: pools and miners that their pool's operator has opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/look_up.sql")

PUBLIC_WORKERS: Final = 100
"""What a page shows of a miner without paging."""


async def pool(database: Database, uid: UUID) -> Row | None:
    """None if there is no such pool or it is not open."""
    return await database.fetch_row(SQL["public_pool_page"], uid)


async def miner(database: Database, account_name: str) -> Row | None:
    return await database.fetch_row(SQL["public_miner"], account_name)


async def workers(database: Database, miner_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["public_workers"], miner_id, PUBLIC_WORKERS)


async def sources(database: Database, pool_uids: Sequence[UUID]) -> tuple[Sequence[Row], list[Row]]:
    """The pools, and the stratum servers of all of them."""
    pools = await database.fetch(SQL["pools"], list(pool_uids))
    return pools, list(await database.fetch(SQL["sources"], list(pool_uids)))
