"""Waiting for a database behind a wire that goes silent."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.patience import Patience
from tests.integration.intake_world import until
from tests.integration.wire import Wire


async def test_wire_that_goes_silent_before_the_commit_is_given_up(database_url: str) -> None:
    port = int(conninfo_to_dict(database_url)["port"] or 5432)
    async with Wire(port) as wire:
        url = make_conninfo(database_url, host="127.0.0.1", port=wire.port)
        attempts = 0

        async def stall_once(connection: psycopg.AsyncConnection[Any]) -> int:
            nonlocal attempts
            attempts += 1
            await connection.execute("select 1")
            if attempts == 1:
                wire.stall()
            return attempts

        async with AsyncConnectionPool(url, min_size=1, max_size=2, open=False) as pool:
            patience = Patience(pool, IntakeConfig(database_silence_s=0.5))
            running = asyncio.create_task(patience.run(stall_once))
            await until(lambda: not patience.health.ok)
            await wire.mend()
            assert await running == 2
