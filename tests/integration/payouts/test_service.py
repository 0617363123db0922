"""The service as it runs by itself: when it looks at the node, and what it says if none answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from aggregator.chain.follow import OtherChainError
from aggregator.chain.json_rpc import NodeAwayError, NodeError
from aggregator.payouts.service import PayoutService
from aggregator.payouts.states import Action
from deploy.database.roles import AGGREGATOR
from schemas.runtime.metrics import PREFIX
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.payouts.paying_pool import PayingPool

CONFIG: dict[str, Any] = {"poll_s": 0.01, "watch_s": 15.0}


class Headers:
    """In place of those of the node: raises `error`, and counts how often it was asked."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.looks = 0

    async def follow(self, connection: object) -> None:
        self.looks += 1
        if self.error is not None:
            raise self.error


@asynccontextmanager
async def running(pool: PayingPool, headers: Headers) -> AsyncIterator[None]:
    parts = replace(pool.parts, follow_headers=headers.follow)
    connections: AsyncConnectionPool[Any] = AsyncConnectionPool(
        under(AGGREGATOR, pool.url),
        min_size=1,
        max_size=1,
        open=False,
        configure=_rows_by_name,
    )
    stop = asyncio.Event()
    async with connections:
        service = PayoutService(replace(pool.config, **CONFIG), parts, connections, pool.clock)
        task = asyncio.create_task(service.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def test_requests_are_looked_for_at_once_and_a_node_that_is_away_every_15_s(
    pool: PayingPool,
) -> None:
    await pool.owe(1)
    headers = Headers(NodeAwayError("no answer"))
    async with running(pool, headers):
        await until(lambda: headers.looks)
        for _ in range(2):
            request_id = await pool.request(Action.PROPOSE, None)
            await until(lambda id_=request_id: outcome(pool, id_))
        assert headers.looks == 1
        pool.clock.advance(15)
        await until(lambda: headers.looks == 2)


@pytest.mark.parametrize(
    "error",
    [
        NodeAwayError("no answer"),
        NodeError("getblockcount", -28, "Loading block index..."),
        OtherChainError("the node does not have our block"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_metrics_follow_the_database_while_no_node_answers(
    pool: PayingPool, error: Exception
) -> None:
    await pool.owe(1)
    await pool.signed_batch()
    await pool.rows_of("update payout_batches set stopped = 'somebody must look'")
    headers = Headers(None)
    async with running(pool, headers):
        await until(lambda: known("payouts_stopped_batches") == 1)
        assert known("payouts_node_answers") == 1
        seen_at = await pool.value("select seen_at from payout_money")
        headers.error = error
        await pool.rows_of("update payout_batches set stopped = null")
        pool.clock.advance(15)
        await until(lambda: known("payouts_stopped_batches") == 0)
        assert known("payouts_node_answers") == 0
        # What people are shown is of the last look that saw the wallet.
        assert await pool.value("select seen_at from payout_money") == seen_at
        headers.error = None
        pool.clock.advance(15)
        await until(lambda: known("payouts_node_answers") == 1)


async def outcome(pool: PayingPool, request_id: object) -> Any:
    return await pool.value("select outcome from payout_requests where id = %s", request_id)


def known(name: str) -> float | None:
    return REGISTRY.get_sample_value(PREFIX + name)


async def _rows_by_name(connection: AsyncConnection[Any]) -> None:
    connection.row_factory = dict_row
    await connection.set_autocommit(True)
