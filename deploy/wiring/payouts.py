"""Payouts put together: the node, the descriptor, the service, and steps asked for by command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from aggregator.chain.config import ChainConfig
from aggregator.chain.json_rpc import JsonRpc, NodeAwayError
from aggregator.payouts import requests
from aggregator.payouts.batches import Connection
from aggregator.payouts.config import PayoutsConfig
from aggregator.payouts.requests import Answer
from aggregator.payouts.service import PayoutParts, PayoutService, parts
from aggregator.payouts.states import Action
from aggregator.payouts.wallet.audit import Audit, audit
from aggregator.payouts.wallet.node import Node
from deploy.checks.preflight import ready_database
from deploy.process.runtime import Service
from deploy.settings.settings import Settings
from deploy.wiring.aggregator import pool
from deploy.wiring.chain import bitcoin_rpc, follow_headers
from ingest.errors import FatalError
from schemas.runtime.clock import SystemClock
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/requests.sql")
# A step at a time, and one to spare.
_CONNECTIONS: Final = 2
# A block may come between reading the chain and asking for its outputs.
_LOOKS: Final = 5


def pays(settings: Settings) -> bool:
    """Whether this installation has a wallet and a node to pay with."""
    config = payouts_config(settings)
    return bool(config.descriptor and settings.bitcoind_rpc_url)


def payouts_config(settings: Settings) -> PayoutsConfig:
    """On the network of the chain that blocks come from."""
    network = settings.configured("chain", ChainConfig()).network
    return settings.configured("payouts", PayoutsConfig(network=network))


def payouts_service(settings: Settings) -> Service:
    """Carries out requests, and follows the wallet and the batches."""
    config = payouts_config(settings)

    async def run(stop: asyncio.Event) -> None:
        async with (
            pool(
                settings, "payouts", connections=_CONNECTIONS, configure=_rows_by_name
            ) as connections,
            bitcoin_rpc(settings) as rpc,
        ):
            async with connections.connection() as connection:
                made = await _parts(settings, config, connection, rpc)
            await PayoutService(config, made, connections, SystemClock()).run(stop)

    return run


async def request_step(
    settings: Settings,
    action: str,
    batch_id: UUID | None,
    arguments: Mapping[str, Any],
    *,
    requested_by: str,
) -> Answer:
    """Write the request; carry it out here if the node and the descriptor are set."""
    config = payouts_config(settings)
    async with _connection(settings) as connection:
        pool_id = await _pool_id(config, connection, batch_id)
        request_id = await requests.ask(
            connection,
            Action(action),
            pool_id=pool_id,
            requested_by=requested_by,
            batch_id=batch_id,
            arguments=arguments,
        )
        if not pays(settings):
            return Answer(None, "the payouts service will carry it out")
        async with bitcoin_rpc(settings) as rpc:
            made = await _parts(settings, config, connection, rpc)
            now = datetime.now(UTC)
            answer = await made.steps.carry_out(connection, request_id, now)
        return answer or Answer(None, "the payouts service is at it")


async def audit_wallet(settings: Settings) -> Audit:
    """The wallet's unspent outputs as the node has them; NodeAwayError if it does not answer, or
    if its chain moves on at every look."""
    config = payouts_config(settings)
    async with _connection(settings) as connection, bitcoin_rpc(settings) as rpc:
        made = await _parts(settings, config, connection, rpc)
        for _ in range(_LOOKS):
            await made.follow_headers(connection)
            await made.wallet.follow(connection, made.node)
            found = await audit(connection, made.node)
            if found is not None:
                return found
    raise NodeAwayError("the node's chain moves on at every look: ask again")


async def _rows_by_name(connection: AsyncConnection[Any]) -> None:
    """Each step opens its own transaction."""
    connection.row_factory = dict_row
    await connection.set_autocommit(True)


@asynccontextmanager
async def _connection(settings: Settings) -> AsyncIterator[Connection]:
    connecting: Any = psycopg.AsyncConnection.connect(
        ready_database(settings), row_factory=dict_row, autocommit=True
    )
    async with await connecting as connection:
        yield connection


async def _parts(
    settings: Settings, config: PayoutsConfig, connection: Connection, rpc: JsonRpc
) -> PayoutParts:
    return parts(
        config,
        Node(rpc),
        pool_id=await _pool_id(config, connection, None),
        follow_headers=follow_headers(settings),
    )


async def _pool_id(config: PayoutsConfig, connection: Connection, batch_id: UUID | None) -> int:
    """The pool of the batch, else the one whose wallet this is."""
    parameters = {"pool": config.pool or None, "batch_id": batch_id}
    cursor = await connection.execute(_SQL["paying_pool"], parameters)
    row = await cursor.fetchone()
    if row is None:
        raise FatalError("no such pool or batch: HASHGAUGE_PAYOUTS__POOL names the paying pool")
    found: int = row["id"]
    return found
