"""Changes of status: the list, and the live stream with resumption and revocation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import uuid4

import httpx2
import orjson
import pytest

from deploy.local.process import free_port
from deploy.settings.settings import load
from deploy.wiring.services import api_services
from query_api.admin.keys import create_key
from query_api.config import AccessConfig, EventStreamConfig
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import WATERMARK, seed_tree
from tests.integration.api.server import running_api


async def add_event(connection, tree, number, *, sequence=None, worker=0, miner=None):
    worker_id = tree.alpha_workers[worker].id
    await connection.execute(
        "insert into events (event_id, kind, at, miner_id, worker_id, transition_number, "
        "from_status, to_status, cause, sequence) values ($1, 'worker-status-changed', $2, $3, $4, "
        "$5, 'stable', 'unavailable', 'silence', $6)",
        uuid4(),
        WATERMARK + timedelta(hours=number),
        miner or tree.alpha.id,
        worker_id,
        number,
        sequence,
    )


@pytest.fixture
async def tree_and_connection(database_url):
    async with connected(database_url) as connection:
        yield await seed_tree(connection), connection


async def test_transitions_newest_first_within_a_span(database_url, tree_and_connection):
    tree, connection = tree_and_connection
    for number in range(30):
        await add_event(connection, tree, number, worker=number % 2)
    url = f"{BASE}/miners/{tree.alpha.uid}/workers/status-transitions"
    async with api_client(api_config(database_url)) as client:
        page = (await client.get(url, params={"limit": 5})).json()
        assert [item["number"] for item in page["data"]] == [29, 28, 27, 26, 25]
        assert page["pagination"]["total_count"] == 30
        assert page["data"][0]["worker"]["name"] == "rig-01"
        assert (page["data"][0]["from"], page["data"][0]["to"]) == ("stable", "unavailable")
        day = {"from": "2026-09-13", "to": "2026-09-13", "limit": 100}
        assert len((await client.get(url, params=day)).json()["data"]) == 14
        span = {"from": "2026-09-13T11:17:00Z", "to": "2026-09-13T13:17:00Z"}
        found = (await client.get(url, params=span)).json()["data"]
        assert [item["number"] for item in found] == [2, 1]
        one = {"id": str(tree.alpha_workers[1].uid), "limit": 100}
        assert {i["number"] % 2 for i in (await client.get(url, params=one)).json()["data"]} == {1}


async def read(lines, count):
    """(id, number) of the next `count` events."""
    found, event_id = [], None
    async for line in lines:
        if line.startswith("id:"):
            event_id = int(line[3:])
        if line.startswith("data:"):
            found.append((event_id, orjson.loads(line[5:])["number"]))
            if len(found) == count:
                return found
    raise AssertionError(f"the stream ended after {found}")


async def test_the_stream_misses_nothing_and_resumes(database_url, tree_and_connection):
    tree, connection = tree_and_connection
    for number in range(1, 4):
        await add_event(connection, tree, number, sequence=number)
    config = replace(api_config(database_url), events=EventStreamConfig(poll_s=0.05))
    path = f"{BASE}/miners/{tree.alpha.uid}/workers/events"
    with running_api(config) as address:
        async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
            async with client.stream("GET", path) as live:
                assert live.headers["content-type"].startswith("text/event-stream")
                lines = live.aiter_lines()
                assert await anext(lines) == ": listening"
                await add_event(connection, tree, 4, sequence=4)
                await add_event(connection, tree, 9, sequence=5, miner=tree.beta.id)
                await add_event(connection, tree, 5, sequence=6)
                assert await asyncio.wait_for(read(lines, 2), 20) == [(4, 4), (6, 5)]
            headers = {"Last-Event-ID": "2"}
            async with client.stream("GET", path, headers=headers) as resumed:
                lines = resumed.aiter_lines()
                assert await asyncio.wait_for(read(lines, 3), 20) == [(3, 3), (4, 4), (6, 5)]
                await add_event(connection, tree, 6, sequence=7)
                assert await asyncio.wait_for(read(lines, 1), 20) == [(7, 6)]


async def test_one_stream_too_many_is_turned_away_until_another_ends(
    database_url, tree_and_connection
):
    tree, _ = tree_and_connection
    config = replace(api_config(database_url), events=EventStreamConfig(max_streams=1))
    path = f"{BASE}/miners/{tree.alpha.uid}/workers/events"
    with running_api(config) as address:
        async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
            async with client.stream("GET", path) as live:
                assert live.status_code == 200
                refused = await client.get(path)
                assert refused.status_code == 503
                assert refused.headers["retry-after"]
                assert refused.json()["error"]["code"] == "unavailable"
            async with asyncio.timeout(20):
                while await status_of(client, path) != 200:
                    await asyncio.sleep(0.05)


async def status_of(client, path):
    async with client.stream("GET", path) as live:
        return live.status_code


@pytest.mark.parametrize("busy", [False, True])
async def test_a_revoked_link_ends_its_stream(database_url, tree_and_connection, busy):
    tree, connection = tree_and_connection
    token = "hfwl_" + "a" * 64
    await connection.execute(
        "insert into watchers (miner_id, digest, token, title) "
        "values ($1, sha256(convert_to($2::text, 'UTF8')), $2, 't')",
        tree.alpha.id,
        token,
    )
    await create_key(database_url, title="unused")
    config = replace(
        api_config(database_url, access=AccessConfig()),
        events=EventStreamConfig(poll_s=0.05, heartbeat_s=0.1),
    )
    path = f"{BASE}/miners/{tree.alpha.uid}/workers/events"
    headers = {"X-Watcher-Token": token}
    with running_api(config) as address:
        async with (
            httpx2.AsyncClient(base_url=address, timeout=20) as client,
            client.stream("GET", path, headers=headers) as live,
        ):
            lines = live.aiter_lines()
            while await anext(lines) != ": heartbeat":
                pass
            await connection.execute("update watchers set revoked_at = now()")
            happening = asyncio.create_task(never_silent(connection, tree) if busy else nothing())
            async with asyncio.timeout(20):
                rest = [line async for line in lines]
            happening.cancel()
            await asyncio.gather(happening, return_exceptions=True)
            assert busy or not any(line.startswith("data:") for line in rest)


async def never_silent(connection, tree):
    """Events that come closer together than heartbeats, without end."""
    for number in count(1):
        await add_event(connection, tree, number, sequence=number)
        await asyncio.sleep(0.02)


async def nothing():
    """A quiet pool."""


async def test_a_service_that_stops_ends_its_streams_in_good_order(
    database_url, tree_and_connection, monkeypatch
):
    tree, _ = tree_and_connection
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HASHGAUGE_PORT", str(free_port()))
    monkeypatch.setenv("HASHGAUGE_OPEN_ACCESS", "true")
    settings, stop = load(), asyncio.Event()
    service = asyncio.create_task(api_services(settings)["api"](stop))
    address = f"http://127.0.0.1:{settings.port}"
    async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
        async with asyncio.timeout(20):
            while not await answers(client, "/readyz"):
                await asyncio.sleep(0.05)
        path = f"{BASE}/miners/{tree.alpha.uid}/workers/events"
        async with client.stream("GET", path) as live:
            lines = live.aiter_lines()
            assert await anext(lines) == ": listening"
            stop.set()
            # A stream that is cut off instead raises here: its last chunk never comes.
            assert [line async for line in lines if line] == []
        await service


async def answers(client, path):
    try:
        return (await client.get(path)).status_code == 200
    except httpx2.TransportError:
        return False
