"""Live events over a real connection: whom each concerns, and what a reader missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import httpx2
import orjson
import pytest

from query_api.config import EventStreamConfig
from tests.integration.api.client import BASE, api_config, connected
from tests.integration.api.data import Tree, seed_tree
from tests.integration.api.server import running_api

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def world(database_url) -> AsyncIterator[tuple[str, Tree, asyncpg.Connection]]:
    config = replace(api_config(database_url), events=EventStreamConfig(poll_s=0.05))
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        with running_api(config) as address:
            yield f"{address}{BASE}", tree, connection


async def happen(connection: asyncpg.Connection, *, worker: int | None = None) -> UUID:
    """A worker fell silent, or the stratum server `eu`; numbered, as the publisher does."""
    event_id = uuid4()
    source = await connection.fetchval(
        "insert into sources (name) values ('eu') on conflict (name) do update set name = 'eu'"
        " returning id"
    )
    await connection.execute(
        "insert into events (event_id, kind, at, worker_id, miner_id, source_id, from_status,"
        " to_status, cause, workers, transition_number, sequence) select $1,"
        " case when $2::int4 is null then 'source-silent' else 'worker-status-changed' end,"
        " now(), $2, (select miner_id from workers where id = $2), $3, 'stable', 'unavailable',"
        " 'silence', 12, 2, (select coalesce(max(sequence), 0) + 1 from events)",
        event_id,
        worker,
        source,
    )
    return event_id


async def read(lines: AsyncIterator[str], count: int) -> list[dict]:
    found: list[dict] = []
    async for line in lines:
        if line.startswith("data:"):
            found.append(orjson.loads(line[5:]))
        if len(found) == count:
            return found
    raise AssertionError("the stream ended")


async def listen(url: str, count: int, *, ready: asyncio.Event, after: int | None = None) -> list:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with (
        httpx2.AsyncClient(timeout=20) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.aiter_lines()
        assert await anext(lines) == ": listening"
        ready.set()
        return await read(lines, count)


async def test_a_pool_hears_its_miners_and_its_stratum_servers(world):
    base, tree, connection = world
    pool_ready, miner_ready = asyncio.Event(), asyncio.Event()
    pool = asyncio.create_task(
        listen(f"{base}/pools/{tree.pool.uid}/workers/events", 3, ready=pool_ready)
    )
    miner = asyncio.create_task(
        listen(f"{base}/miners/{tree.alpha.uid}/workers/events", 1, ready=miner_ready)
    )
    await pool_ready.wait()
    await miner_ready.wait()
    source = await happen(connection)
    other = await happen(connection, worker=tree.beta_workers[0].id)
    own = await happen(connection, worker=tree.alpha_workers[0].id)
    heard = await pool
    assert [event["id"] for event in heard] == [str(source), str(other), str(own)]
    assert [event["type"] for event in heard[:2]] == ["source-silent", "worker-status-changed"]
    assert (heard[0]["source"], heard[0]["workers"]) == ("eu", 12)
    assert heard[1]["miner"]["account_name"] == "beta"
    assert [event["id"] for event in await miner] == [str(own)], "others' events are not its own"


@pytest.mark.parametrize("scope", ["pools", "miners"])
async def test_a_reader_gets_what_it_missed(world, scope):
    base, tree, connection = world
    worker = tree.alpha_workers[0].id
    missed = [await happen(connection, worker=worker) for _ in range(3)]
    uid = {"pools": tree.pool.uid, "miners": tree.alpha.uid}[scope]
    heard = await listen(f"{base}/{scope}/{uid}/workers/events", 2, ready=asyncio.Event(), after=1)
    assert [event["id"] for event in heard] == [str(event_id) for event_id in missed[1:]]
