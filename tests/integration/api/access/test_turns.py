"""Many callers, few connections: nobody is passed over."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from deploy.settings.database_address import asyncpg_address
from query_api.config import DatabaseConfig
from query_api.database import Database

pytestmark = pytest.mark.postgres


POOL, CLIENTS = 4, 40


async def test_nobody_is_passed_over_while_connections_are_few(database_url: str) -> None:
    """Left to asyncpg alone, thousands pass one of these requests."""
    database = Database(DatabaseConfig(url=asyncpg_address(database_url), pool_size=POOL))
    turns, served = count(), []

    async def request() -> None:
        turn = next(turns)
        async with database.connection() as connection:
            served.append(turn)
            await connection.fetchval("select 1")

    async def client() -> None:
        for _ in range(100):
            await asyncio.create_task(request())  # a task each, as in a server
            await asyncio.sleep(0)

    await database.open()
    try:
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    finally:
        await database.close()
    # Those whose connection is still being opened are passed by a few.
    assert max(place - turn for place, turn in enumerate(served)) < CLIENTS
