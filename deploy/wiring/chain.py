"""The Bitcoin chain put together: the node of the settings, or the made-up one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection

from aggregator.chain.config import ChainConfig
from aggregator.chain.follow import follow
from aggregator.chain.json_rpc import JsonRpc
from aggregator.chain.source import BlockSource, NodeSource, SimulatedSource
from deploy.settings.settings import Settings
from ingest.errors import FatalError
from schemas.runtime.clock import SystemClock


def bitcoin_rpc(settings: Settings) -> JsonRpc:
    """The node, to be entered; FatalError without an address."""
    if settings.bitcoind_rpc_url is None:
        raise FatalError("no Bitcoin node is set: BITCOIND_RPC_URL")
    ca_file = settings.bitcoind_ca_file
    return JsonRpc(
        settings.bitcoind_rpc_url.get_secret_value(),
        ca_file=None if ca_file is None else str(ca_file),
    )


@contextlib.asynccontextmanager
async def block_source(settings: Settings) -> AsyncIterator[BlockSource | None]:
    """Where blocks come from; None if nothing is set."""
    config = settings.configured("chain", ChainConfig())
    if settings.bitcoind_rpc_url is not None:
        async with bitcoin_rpc(settings) as rpc:
            yield NodeSource(rpc)
    elif config.simulated:
        clock = SystemClock()
        yield SimulatedSource(
            lambda: clock.now_ms() / 1_000,
            difficulty=config.simulated_difficulty,
            network=config.network,
        )
    else:
        yield None


def follow_headers(settings: Settings) -> Callable[[AsyncConnection[Any]], Awaitable[None]]:
    """Brings our header chain to the node's."""
    config = settings.configured("chain", ChainConfig())

    async def followed(connection: AsyncConnection[Any]) -> None:
        async with block_source(settings) as source:
            if source is not None:
                await follow(connection, source, config)

    return followed
