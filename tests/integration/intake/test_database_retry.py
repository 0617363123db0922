"""Waiting for a database behind a proxy that goes silent."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from aggregator.postgres.retry import DatabaseRetry, RetryTimes
from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.fixtures.tcp_proxy import TcpProxy
from tests.fixtures.until import until


async def test_wire_that_goes_silent_before_the_commit_is_given_up(database_url: str) -> None:
    port = int(conninfo_to_dict(database_url)["port"] or 5432)
    async with TcpProxy(port) as proxy:
        own = under(AGGREGATOR, database_url)
        url = make_conninfo(own, host="127.0.0.1", port=proxy.port)
        attempts = 0

        async def stall_once(connection: psycopg.AsyncConnection[Any]) -> int:
            nonlocal attempts
            attempts += 1
            await connection.execute("select 1")
            if attempts == 1:
                proxy.stall()
            return attempts

        async with AsyncConnectionPool(url, min_size=1, max_size=2, open=False) as pool:
            database = DatabaseRetry(pool, RetryTimes(silence_s=0.5))
            running = asyncio.create_task(database.run(stall_once))
            await until(lambda: not database.health.ok)
            await proxy.mend()
            assert await running == 2
