"""Look-up without an account: closed until the pool's operator opens it, and counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx2
import pytest

from query_api.config import AccessConfig, RateLimitConfig
from tests.integration.api.client import api_client, api_config, connected
from tests.integration.api.data import Tree, seed_minutes, seed_tree

BASE = "/api/backend/v0.1"
Opened = tuple[httpx2.AsyncClient, Tree, asyncpg.Connection]


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    """A client without a credential, and few look-ups a minute."""
    config = replace(
        api_config(database_url, access=AccessConfig(required=True)),
        limits=RateLimitConfig(look_ups_per_address=12),
    )
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.2)
        async with api_client(config) as client:
            yield client, tree, connection


async def test_a_pool_is_closed_until_it_is_opened(opened: Opened) -> None:
    client, tree, connection = opened
    paths = (
        f"/public/pools/{tree.pool.uid}",
        f"/public/pools/{tree.pool.uid}/charts?period=P1D",
        "/public/miners/alpha",
        "/public/miners/alpha/charts?period=P1D",
    )
    for path in paths:
        assert (await client.get(BASE + path)).status_code == 404, path
    await connection.execute("update pools set public_page = true, public_miners = true")
    for path in paths:
        assert (await client.get(BASE + path)).status_code == 200, path
    assert (await client.get(f"{BASE}/public/miners/nobody")).status_code == 404
    # The rest stays closed.
    assert (await client.get(f"{BASE}/pools/{tree.pool.uid}/sources")).status_code == 401


async def test_figures_are_those_of_the_closed_routes(opened: Opened) -> None:
    client, tree, connection = opened
    await connection.execute(
        "update pools set public_page = true, public_miners = true, fee = 0.015,"
        " fee_published = true"
    )
    await connection.execute("insert into sources (name) values ('eu1'), ('us1')")
    await connection.execute("update worker_figures set source_id = 1")
    page = (await client.get(f"{BASE}/public/pools/{tree.pool.uid}")).json()
    assert (page["fee"], page["min_payout"], page["title"]) == ("0.015", None, "Pool")
    assert page["workers"]["stable"] == 5
    assert [server["name"] for server in page["servers"]] == ["eu1"]
    miner = (await client.get(f"{BASE}/public/miners/alpha")).json()
    assert miner["account_name"] == "alpha"
    assert [worker["name"] for worker in miner["strongest_workers"]]
    chart = (await client.get(f"{BASE}/public/miners/alpha/charts?period=P1D")).json()
    assert list(chart["data"]) == [miner["id"]]
    assert chart["data"][miner["id"]]["status"] == "ok"


async def test_names_cannot_be_tried_by_the_hundred(opened: Opened) -> None:
    client, _, _ = opened
    statuses = [
        (await client.get(f"{BASE}/public/miners/name{number}")).status_code for number in range(14)
    ]
    assert statuses == [404] * 12 + [429] * 2
    assert (await client.get(f"{BASE}/pool")).status_code == 200
