"""Miners from the command line: their titles and their watcher links."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg

from schemas.access import WATCHER_TOKEN_PREFIX
from schemas.runtime.named_sql import load
from schemas.sealing import Seal, digest_of

SQL: Final = load("query_api", "sql/users.sql")
ACCOUNTS_SQL: Final = load("query_api", "sql/accounts.sql")
ADMIN_SQL: Final = load("query_api", "sql/admin.sql")

WATCHERS_MAX: Final = 10_000
"""More links than a page of the command shows at once."""


class UnknownMinerError(LookupError):
    """No miner of that account name."""


async def rename(url: str, account_name: str, title: str | None) -> None:
    """Another title; None: the account name is shown. UnknownMinerError."""
    async with _miner(url, account_name) as (connection, miner_id):
        await connection.execute(ACCOUNTS_SQL["set_title"], miner_id, title)


async def watchers(url: str, account_name: str, seal: Seal) -> Sequence[dict[str, Any]]:
    """Links in force, newest first, with their tokens. UnknownMinerError."""
    async with _miner(url, account_name) as (connection, miner_id):
        rows = await connection.fetch(SQL["watchers_page"], miner_id, WATCHERS_MAX, 0)
    return [dict(row) | {"token": seal.open(row["token"])} for row in rows if row["id"] is not None]


async def create_watcher(url: str, account_name: str, title: str | None, seal: Seal) -> str:
    """The token of a new link. UnknownMinerError."""
    token = WATCHER_TOKEN_PREFIX + secrets.token_hex(32)
    async with _miner(url, account_name) as (connection, miner_id):
        await connection.fetchrow(
            SQL["create_watcher"], miner_id, digest_of(token), seal.seal(token), title, []
        )
    return token


async def revoke_watcher(url: str, account_name: str, watcher_id: UUID) -> bool:
    """False if the miner has no such link in force. UnknownMinerError."""
    async with _miner(url, account_name) as (connection, miner_id):
        found = await connection.fetchval(SQL["revoke_watcher"], miner_id, watcher_id)
    return found is not None


@asynccontextmanager
async def _miner(url: str, account_name: str) -> AsyncIterator[tuple[asyncpg.Connection, int]]:
    connection = await asyncpg.connect(url)
    try:
        miner_id = await connection.fetchval(ADMIN_SQL["miner_by_name"], account_name)
        if miner_id is None:
            raise UnknownMinerError(account_name)
        yield connection, miner_id
    finally:
        await connection.close()
