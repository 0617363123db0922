"""A miner that changes its operator: the former one sees nothing more, whatever is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2
import pytest

from query_api.admin.keys import create_key
from query_api.config import AccessConfig, EventStreamConfig
from query_api.telemetry import response_cache
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree
from tests.integration.api.server import running_api

MOVE = "update miners set operator_id = null where id = $1"


@pytest.fixture
async def operated(database_url):
    """A pool, and the header of somebody with a role on the operator of alpha."""
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1)
        _, key = await create_key(database_url, title="t", email="operator@example.com")
        uid = await connection.fetchval("select uid from users")
        await connection.execute(
            "insert into roles values ($1, $2, 'viewer')", tree.operator.id, uid
        )
        config = replace(
            api_config(database_url, access=AccessConfig(cache_s=0.2)),
            events=EventStreamConfig(heartbeat_s=0.2),
        )
        yield config, tree, connection, {"Authorization": f"Bearer {key}"}


async def test_figures_end_although_they_stand_still(operated):
    config, tree, connection, key = operated
    paths = [
        f"{BASE}/miners/stats?id={tree.alpha.uid}",
        f"{BASE}/miners/charts?id={tree.alpha.uid}&period=PT1H",
        f"{BASE}/miners/rejects?id={tree.alpha.uid}&period=PT1H",
        f"{BASE}/workers/stats?id={tree.alpha_workers[0].uid}",
        f"{BASE}/workers/charts?id={tree.alpha_workers[0].uid}&period=PT1H",
    ]
    async with api_client(config) as client:
        before = [(await client.get(path, headers=key)).status_code for path in paths]
        await connection.execute(MOVE, tree.alpha.id)
        await asyncio.sleep(config.access.cache_s)
        after = [(await client.get(path, headers=key)).status_code for path in paths]
    assert before == [200] * len(paths)
    assert after == [403] * len(paths)


async def test_an_answer_keeps_its_figures_when_scopes_are_read_anew(operated, monkeypatch):
    config, tree, _, key = operated
    loads: list[object] = []
    plain = response_cache.ResponseCache._load

    async def counted(self, query):
        loads.append(query)
        return await plain(self, query)

    monkeypatch.setattr(response_cache.ResponseCache, "_load", counted)
    path = f"{BASE}/miners/charts?id={tree.alpha.uid}&period=PT1H"
    async with api_client(config) as client:
        first = await client.get(path, headers=key)
        await asyncio.sleep(config.access.cache_s)
        second = await client.get(path, headers=key)
    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])
    assert len(loads) == 1


@pytest.mark.parametrize(
    "end",
    [
        MOVE,
        "delete from roles where $1::int4 is not null",
        "update users set status = 'inactive' where $1::int4 is not null",
        "update api_keys set revoked_at = now() where $1::int4 is not null",
    ],
)
async def test_an_event_stream_ends_with_the_right_to_it(operated, end):
    config, tree, connection, key = operated
    with running_api(config) as base:
        path, heard = f"{BASE}/miners/{tree.alpha.uid}/workers/events", 0
        async with httpx2.AsyncClient(base_url=base, timeout=20) as client:
            async with client.stream("GET", path, headers=key) as stream:
                assert stream.status_code == 200
                async for line in stream.aiter_lines():
                    heard += line.startswith(": heartbeat")
                    if heard == 2:
                        await connection.execute(end, tree.alpha.id)
            again = await client.get(path, headers=key)
    assert heard >= 2
    assert again.status_code in (401, 403)
