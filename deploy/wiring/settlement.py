"""Settlement put together: its service, and a connection for the commands."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from aggregator.chain.config import ChainConfig
from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.service import Settlement
from aggregator.settlement.transactions import SNAPSHOT, begin
from deploy.checks.preflight import ready_database
from deploy.process.runtime import Service
from deploy.settings.settings import Settings
from deploy.wiring.aggregator import pool, process_name
from deploy.wiring.chain import block_source
from schemas.runtime.clock import SystemClock

# The term of a leader, and the renewal of its lease.
_CONNECTIONS: Final = 2


def settlement_config(settings: Settings) -> SettlementConfig:
    return dataclasses.replace(
        settings.configured("settlement", SettlementConfig()), holder=process_name("settlement")
    )


def settlement_service(settings: Settings) -> Service:
    """Follows the chain and settles days; one process leads, the others stand by."""
    config = settlement_config(settings)
    chain = settings.configured("chain", ChainConfig())

    async def run(stop: asyncio.Event) -> None:
        async with pool(settings, "settlement", connections=_CONNECTIONS) as connections:
            service = Settlement(
                config, chain, connections, SystemClock(), lambda: block_source(settings)
            )
            await service.run(stop)

    return run


@contextlib.asynccontextmanager
async def money_connection(settings: Settings) -> AsyncIterator[AsyncConnection[Any]]:
    """For one command, in autocommit mode."""
    async with await psycopg.AsyncConnection.connect(
        ready_database(settings), autocommit=True, application_name="hashgauge money"
    ) as connection:
        yield connection


@contextlib.asynccontextmanager
async def unfenced(
    connection: AsyncConnection[Any], *, snapshot: bool = False
) -> AsyncIterator[None]:
    """A transaction of a command that writes; it and the service take turns."""
    async with connection.transaction():
        await begin(connection, snapshot=snapshot)
        yield


@contextlib.asynccontextmanager
async def reading(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """A transaction of a command that only reads, all as of one moment; nobody waits for it."""
    async with connection.transaction():
        await connection.execute(SNAPSHOT)
        yield
