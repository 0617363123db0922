"""Conventions of HTTP: errors, request ids, freshness, caching, compression, trouble below."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from deploy.database.migrate import migrate
from query_api.config import HttpConfig
from tests.fixtures.postgres import WRITABLE_FIGURES
from tests.fixtures.tcp_proxy import TcpProxy
from tests.integration.api.client import BASE, api_client, api_config, connected, with_database
from tests.integration.api.data import (
    WATERMARK,
    derive,
    seed_minutes,
    seed_tree,
    set_figures_version,
)


@pytest.fixture
async def api(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.5)
        async with api_client(api_config(database_url)) as client:
            yield client, tree, connection


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "words"),
    [
        ("GET", "/nowhere", None, 404, "not_found", "route"),
        ("GET", BASE + "/nowhere", None, 404, "not_found", "route"),
        ("DELETE", BASE + "/workers/stats", None, 405, "method_not_allowed", "DELETE"),
        ("GET", BASE + "/workers/stats", None, 400, "invalid_input", "query id"),
        ("GET", BASE + "/workers/stats?id=x", None, 400, "invalid_input", "query id"),
        ("GET", BASE + "/miners/x", None, 400, "invalid_input", "path miner_id"),
        ("POST", BASE + "/workers/boundary", b"{", 400, "invalid_input", "JSON"),
        ("POST", BASE + "/workers/boundary", b'{"name": 1}', 400, "invalid_input", "body name"),
        ("POST", BASE + "/workers/boundary", b"x" * 70_000, 400, "invalid_input", "longer"),
        ("GET", BASE + "/miners/stats?id=" + "x" * 20_000, None, 400, "invalid_input", "longer"),
    ],
)
async def test_every_error_is_the_envelope(api, method, path, body, status, code, words):
    client, _, _ = api
    headers = {"Content-Type": "application/json"} if body else {}
    answer = await client.request(method, path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == code
    assert words in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("period", [None, "P1Y", "PT15m", ""])
async def test_a_missing_or_unknown_period_is_400(api, period):
    client, tree, _ = api
    query = {"id": str(tree.alpha.uid)} | ({} if period is None else {"period": period})
    answer = await client.get(f"{BASE}/miners/charts", params=query)
    assert answer.status_code == 400
    assert "period" in answer.json()["error"]["message"]


FIRST, LAST = "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"


@pytest.mark.parametrize("moment", [FIRST + "Z", FIRST + "+05:00", LAST + "Z", LAST + "-05:00"])
async def test_the_ends_of_time_are_times_like_others(api, moment):
    client, tree, _ = api
    miner = f"{BASE}/miners/{tree.alpha.uid}"
    alerts = {"delay_seconds": 0, "muted_until": moment}
    muted = await client.put(f"{miner}/alerts", json=alerts)
    assert muted.status_code == 200, muted.text
    listed = await client.get(f"{BASE}/pools/{tree.pool.uid}/miners")
    assert listed.json()["data"][0]["alerts"] == muted.json()
    for side in ("from", "to"):
        answer = await client.get(f"{miner}/workers/status-transitions", params={side: moment})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T02:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T02:00:00+14:00"),
        ("9999-12-31T20:00:00Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T20:00:00-14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
@pytest.mark.parametrize("path", ["miners/charts", "miners/rejects/charts"])
async def test_charts_of_the_ends_of_time_have_no_points(api, path, start, end):
    client, tree, _ = api
    span = {"from": start, "to": end, "id": str(tree.alpha.uid)}
    answer = await client.get(f"{BASE}/{path}", params=span)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"][span["id"]]["points"] == []


async def test_payments_up_to_the_last_day_are_a_file(api):
    client, tree, _ = api
    days = {"from": "9999-12-01", "to": "9999-12-31"}
    answer = await client.get(f"{BASE}/miners/{tree.alpha.uid}/payments/csv", params=days)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_days_of_which_nothing_is_known_are_answered_at_once(database_url, day):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
    config = with_database(api_config(database_url), statement_timeout_s=1.0)
    async with api_client(config) as client:
        url = f"{BASE}/workers/{tree.alpha_workers[0].uid}/availability"
        answer = await client.get(url, params={"from": day, "to": day})
    assert answer.status_code == 200, answer.text
    assert [item["availability"] for item in answer.json()["data"]] == [None]


async def test_more_than_100_ids_are_refused(api):
    client, tree, _ = api
    ids = [str(tree.alpha.uid)] * 101
    answer = await client.get(f"{BASE}/miners/stats", params={"id": ids})
    assert answer.status_code == 400


async def test_a_sane_request_id_is_kept(api):
    client, _, _ = api
    kept = await client.get("/healthz", headers={"X-Request-ID": "abc-1"})
    assert kept.headers["x-request-id"] == "abc-1"
    other = await client.get("/healthz", headers={"X-Request-ID": "a b\x7f"})
    assert other.headers["x-request-id"] != "a b\x7f"


async def test_unchanged_figures_are_304_until_a_late_share(api):
    client, tree, connection = api
    url = f"{BASE}/workers/charts?period=PT1H&id={tree.alpha_workers[0].uid}"
    first = await client.get(url)
    tag = first.headers["etag"]
    assert first.headers["cache-control"].startswith("private, max-age=")
    again = await client.get(url, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    await connection.execute(
        "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count, "
        "accepted, rejected) values ($1::timestamptz - interval '20 minutes', $2, $3, 1, 0, 7, 0) "
        "on conflict (worker_id, bucket) do update set accepted = worker_minutes.accepted + 7",
        WATERMARK,
        tree.alpha_workers[0].id,
        tree.alpha.id,
    )
    await derive(connection)

    async def changed():
        while True:
            answer = await client.get(url, headers={"If-None-Match": tag})
            if answer.status_code == 200:
                return answer
            await asyncio.sleep(0.01)

    answer = await asyncio.wait_for(changed(), 10)
    assert answer.headers["etag"] != tag


async def test_equal_simultaneous_requests_are_one_query(api, database_url):
    client, tree, connection = api
    url = f"{BASE}/pools/{tree.pool.uid}/charts?period=P1D"
    await connection.execute("begin; lock table entity_15m_closed in access exclusive mode")
    waiting = [asyncio.create_task(client.get(url)) for _ in range(20)]

    async def blocked():
        # A vacuum of the server's own accord may wait, too.
        query = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database() and backend_type = 'client backend'"
        )
        async with connected(database_url) as onlooker:
            while not await onlooker.fetchval(query):
                await asyncio.sleep(0.01)
            return await onlooker.fetchval(query)

    assert await asyncio.wait_for(blocked(), 30) == 1
    await connection.execute("rollback")
    answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_charts_are_compressed(api, encoding):
    client, tree, _ = api
    url = f"{BASE}/pools/{tree.pool.uid}/charts?period=P1W"
    async with client.stream("GET", url, headers={"Accept-Encoding": encoding}) as answer:
        assert answer.headers["content-encoding"] == encoding
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert len(raw) < 5_000


async def test_before_the_first_beat_there_are_no_figures(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
    async with api_client(api_config(database_url)) as client:
        answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/stats")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        workers = await client.get(f"{BASE}/pools/{tree.pool.uid}/workers")
        assert workers.json()["pagination"]["total_count"] == 5


async def test_without_a_database_everything_is_503_and_it_comes_back(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
    parts = urlsplit(database_url)
    url = f"{BASE}/pools/{tree.pool.uid}/stats"
    async with TcpProxy(parts.port, host=parts.hostname) as line:
        address = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{line.port}")
        async with api_client(api_config(address.geturl())) as client:
            assert (await client.get(url)).status_code == 200
            await line.cut()
            gone = await until(client, url, 503)
            assert gone.json()["error"]["code"] == "unavailable"
            assert gone.headers["retry-after"]
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            await line.mend()
            await until(client, url, 200)


async def until(client, url, status):
    async def poll():
        while (answer := await client.get(url)).status_code != status:
            assert answer.status_code in (200, 503)
            await asyncio.sleep(0.01)
        return answer

    return await asyncio.wait_for(poll(), 20)


async def test_a_start_without_a_database_waits_for_it():
    config = with_database(api_config("postgresql://u:p@127.0.0.1:9/x"), connect_timeout_s=1.0)
    async with api_client(config) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get(f"{BASE}/pool")).status_code == 503


async def test_a_start_before_the_first_migration_waits_for_it(empty_database_url):
    async with api_client(api_config(empty_database_url)) as client:
        for path in ("/readyz", f"{BASE}/pool"):
            assert (await client.get(path)).status_code == 503
        await asyncio.to_thread(migrate, empty_database_url)
        async with connected(empty_database_url) as connection:
            await connection.execute(WRITABLE_FIGURES.read_text())
            tree = await seed_tree(connection)
            await seed_minutes(connection, days=0.1)
            url = f"{BASE}/pools/{tree.pool.uid}/charts?period=PT15M"
            before = await until(client, url, 200)
            later = WATERMARK + timedelta(minutes=1)
            await set_figures_version(connection, stream_time=later, watermark=later)

            async def moved():
                while (await client.get(url)).headers["x-as-of"] == before.headers["x-as-of"]:
                    await asyncio.sleep(0.01)

            await asyncio.wait_for(moved(), 20)


async def test_an_exhausted_pool_turns_away_in_time(database_url):
    async with connected(database_url) as connection:
        await seed_tree(connection)
        config = with_database(
            api_config(database_url), pool_size=2, acquire_timeout_s=0.3, queue_size=3
        )
        async with api_client(config) as client:
            await connection.execute("begin; lock table pools in access exclusive mode")
            answers = [asyncio.create_task(client.get(f"{BASE}/pool")) for _ in range(12)]
            done = asyncio.as_completed(answers)
            turned_away = [(await next(done)).status_code for _ in range(10)]
            assert turned_away == [503] * 10
            await connection.execute("rollback")
            rest = await asyncio.gather(*answers)
            assert sum(answer.status_code == 200 for answer in rest) == 2


async def test_a_slow_answer_ends_in_time(database_url):
    async with connected(database_url) as connection:
        await seed_tree(connection)
        config = replace(api_config(database_url), http=HttpConfig(request_timeout_s=0.2))
        async with api_client(config) as client:
            await connection.execute("begin; lock table pools in access exclusive mode")
            answer = await client.get(f"{BASE}/pool")
            await connection.execute("rollback")
            assert answer.status_code == 503


async def test_hosts_and_origins_are_settings(database_url):
    http = HttpConfig(allowed_hosts=("test",), cors_origins=("https://dash.example",))
    async with api_client(replace(api_config(database_url), http=http)) as client:
        bad = await client.get(f"{BASE}/pool", headers={"Host": "other.example"})
        assert bad.status_code == 400
        probe = await client.get("/healthz", headers={"Host": "10.1.2.3:8080"})
        assert probe.status_code == 200, "Kubernetes asks by address"
        asked = {"Origin": "https://dash.example", "Access-Control-Request-Method": "GET"}
        allowed = await client.options(f"{BASE}/workers/stats", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://dash.example"
        plain = await client.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in plain.headers
