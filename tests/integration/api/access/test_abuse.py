"""Attacks seen on a running service: what each may cost, and what comes of it.

The whole list, with the tests that are elsewhere, is tests/unit/test_attacks.py.
"""

from __future__ import annotations

import asyncio
import csv
import tracemalloc
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from query_api.admin.keys import create_key
from query_api.auth.caller import INTERNAL, Caller, CallerKind, Scope
from query_api.config import AccessConfig, BoundaryConfig, EventStreamConfig, RateLimitConfig
from query_api.http.errors import TooManyRequestsError, UnavailableError
from query_api.http.rate_limits import Slots
from query_api.routes.telemetry.reports import _in_slot
from query_api.store.telemetry import Subject
from query_api.telemetry.fragments import Fragment, Fragments
from query_api.telemetry.query import StatsQuery
from query_api.telemetry.response_cache import ResponseCache
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree

KEY = {"X-Headframe-API-Key": "configured-internal-key-of-32-chars"}
FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "=cmd|'/C calc'!A0", " =1", "\t=1"]


@pytest.fixture
async def pool(database_url):
    """A client of a service that wants keys, and what is in its database."""
    access = AccessConfig(internal_api_key=KEY["X-Headframe-API-Key"])
    config = api_config(database_url, access=access)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1)
        yield config, tree, connection


async def test_wrong_keys_do_not_shut_out_the_right_one(pool):
    config, tree, _ = pool
    limited = replace(config, limits=RateLimitConfig(failures_per_address=5, per_address=20))
    async with api_client(limited) as client:
        path = f"{BASE}/miners/stats?id={tree.alpha.uid}"
        wrong = [await client.get(path, headers={"Authorization": "Bearer x"}) for _ in range(8)]
        assert [answer.status_code for answer in wrong] == [401] * 5 + [429] * 3
        right = [await client.get(path, headers=KEY) for _ in range(30)]
    assert {answer.status_code for answer in right} == {200}
    assert right[0].headers["ratelimit-policy"] == '"minute";q=60000;w=60'


async def test_one_caller_has_a_share_of_the_streams(pool):
    config, _, _ = pool
    events = EventStreamConfig(max_streams=3, max_streams_per_caller=2)
    async with api_client(replace(config, events=events)) as client:
        live = client._transport.app.state.context.live_events
        names = ("watcher:1", "203.0.113.7")
        async with live.reader(1, names=names), live.reader(1, names=names):
            with pytest.raises(TooManyRequestsError):
                async with live.reader(1, names=("watcher:2", "203.0.113.7")):
                    pass
            async with live.reader(1, names=()):
                with pytest.raises(UnavailableError):
                    async with live.reader(1, names=()):
                        pass
        async with live.reader(1, names=names):
            pass


async def test_a_few_reports_at_a_time(pool):
    slots = Slots(in_all=3, of_one=2)
    user = Caller(CallerKind.USER, "user:1")
    ended = []

    async def pieces():
        try:
            yield "piece"
            yield "piece"
        finally:
            ended.append(True)

    def report(caller):
        return _in_slot(slots, caller, pieces())

    begun = [report(user), report(user), report(INTERNAL)]
    for each in begun:
        await anext(each)
    for caller in (user, INTERNAL):
        with pytest.raises(UnavailableError):
            await anext(report(caller))
    await begun[0].aclose()
    assert ended == [True]
    await anext(report(user))


async def test_nobody_gives_hashrate_to_a_stranger(pool, database_url):
    config, tree, connection = pool
    _, key = await create_key(database_url, title="t", email="donor@example.com")
    uid = await connection.fetchval("select uid from users where email = 'donor@example.com'")
    await connection.execute("insert into roles values ($1, $2, 'owner')", tree.alpha.id, uid)
    donor = {"Authorization": f"Bearer {key}"}
    body = {
        "name": "unasked",
        "donor_miner_id": str(tree.alpha.uid),
        "recipient_miner_id": str(tree.beta.uid),
        "hashrate": "100000000000000",
    }
    boundary = f"{BASE}/workers/boundary"
    limits = BoundaryConfig(max_per_donor=4, max_per_recipient=3)
    async with api_client(replace(config, boundary=limits)) as client:
        stranger = await client.post(boundary, json=body, headers=donor)
        nobody = body | {"recipient_miner_id": str(uuid4())}
        unknown = await client.post(boundary, json=nobody, headers=donor)
        set_donor = "update miners set donor_id = $2 where id = $1"
        await connection.execute(set_donor, tree.beta.id, tree.alpha.id)
        made = [
            await client.post(boundary, json=body | {"name": f"gift-{n}"}, headers=donor)
            for n in range(4)
        ]
        await connection.execute("delete from roles where user_uid = $1", uid)
        await connection.execute("insert into roles values ($1, $2, 'admin')", tree.beta.id, uid)
        gone = await client.delete(f"{boundary}/{made[1].json()['id']}", headers=donor)
    assert (stranger.status_code, unknown.status_code) == (403, 403)
    assert [answer.status_code for answer in made] == [200, 200, 409, 409]
    assert gone.status_code == 204


async def test_formulas_are_text_in_a_report(pool):
    config, tree, connection = pool
    for name, worker in zip(FORMULAS, tree.alpha_workers, strict=False):
        await connection.execute("update workers set name = $2 where id = $1", worker.id, name)
    async with api_client(config) as client:
        answer = await client.get(
            f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report?from=2026-09-12&to=2026-09-13",
            headers=KEY | {"Accept": "text/csv"},
        )
    names = [row["worker_name"] for row in csv.DictReader(answer.text.splitlines())]
    assert names
    assert not [name for name in names if name.lstrip().startswith(("=", "+", "-", "@"))]


def answer_of(version, uids, size):
    body = b"x" * size
    # Each its own objects, as a query would make them.
    fragments = {uid: Fragment((Scope(1, 2, 3),), bytes(bytearray(body))) for uid in uids}
    return Fragments(version, uids, fragments)


class Figures:
    """A version, and answers of a size."""

    known = "version"

    def __init__(self, size):
        self.size = size
        self.version_poller = self

    async def load(self, uids):
        return answer_of(self.known, uids, self.size)


class Query(StatsQuery):
    async def load(self, figures):
        return await figures.load(self.uids)


@pytest.mark.parametrize(("ids", "size"), [(1, 300), (100, 300), (1, 20_000), (100, 1_000)])
async def test_the_cache_counts_what_it_holds(ids, size):
    limit = 400_000
    cache = ResponseCache(Figures(size), max_bytes=limit, scopes_s=60)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(4 * limit // (ids * size)):
            uids = tuple(uuid4() for _ in range(ids))
            query = Query(Subject.MINER, uids)
            answer = await cache.get(query)
            cache.body(query, answer, frozenset(uids))
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert cache.bytes <= limit
    assert held < 1.25 * limit


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/"])
async def test_head_is_get_without_a_body(pool, path):
    config, _, _ = pool
    async with api_client(config) as client:
        get, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")


async def test_head_of_the_api_and_of_a_stream_ends(pool):
    config, tree, _ = pool
    async with api_client(config) as client:
        base = f"{BASE}/miners/{tree.alpha.uid}/workers"
        for path in (base, f"{base}/events", f"{base}/daily-report"):
            async with asyncio.timeout(10):
                head = await client.head(path, headers=KEY)
            assert (head.status_code, head.content) == (200, b""), path


async def test_what_nobody_declared_is_ignored_and_named(pool):
    config, tree, _ = pool
    async with api_client(config) as client:
        answer = await client.get(
            f"{BASE}/miners/{tree.alpha.uid}/workers?statuss=off&x=1", headers=KEY
        )
        named = await client.put(
            f"{BASE}/miners/{tree.alpha.uid}/title", json={"title": "T", "tilte": 1}, headers=KEY
        )
        plain = await client.get(f"{BASE}/miners/{tree.alpha.uid}", headers=KEY)
    assert answer.status_code == named.status_code == 200
    assert answer.headers["x-unknown-parameters"] == "statuss, x"
    assert named.headers["x-unknown-parameters"] == "tilte"
    assert "x-unknown-parameters" not in plain.headers


async def test_messages_are_in_words(pool):
    config, tree, _ = pool
    miner = f"{BASE}/miners/{tree.alpha.uid}"
    async with api_client(config) as client:
        role = await client.post(
            f"{miner}/access", json={"email": "a@b.example", "roles": ["king"]}, headers=KEY
        )
        period = await client.get(f"{BASE}/miners/charts?id={tree.alpha.uid}", headers=KEY)
        status = await client.get(f"{miner}/workers?status=dead", headers=KEY)
    for answer in (role, period, status):
        assert answer.status_code == 400
        assert "<" not in answer.json()["error"]["message"]
    assert period.json()["error"]["message"] == "query period: is required, unless from is given"
    assert "must be one of stable, unavailable, off, removed" in status.text


async def test_random_names_are_account_names(pool):
    config, _, _ = pool
    async with api_client(config) as client:
        names = {
            (await client.get(f"{BASE}/workers/random-name", headers=KEY)).json()["name"]
            for _ in range(20)
        }
    assert len(names) > 15
    assert all(3 <= len(name) <= 32 for name in names)


async def test_each_has_a_wallet_and_the_fee_that_was_agreed(pool):
    config, tree, _ = pool
    async with api_client(config) as client:
        made = await client.post(
            f"{BASE}/pools/{tree.pool.uid}/miners",
            json={"account_name": "newcomer1", "rate": 0.015},
            headers=KEY,
        )
        listed = await client.get(f"{BASE}/pools/{tree.pool.uid}/miners?limit=100", headers=KEY)
        pool_answer = await client.get(f"{BASE}/pools/{tree.pool.uid}", headers=KEY)
        operator = await client.get(f"{BASE}/operators/{tree.operator.uid}", headers=KEY)
    assert made.status_code == 200, made.text
    assert made.json()["pool"]["current_plan"] == 0.015
    shown = [pool_answer.json(), operator.json(), *listed.json()["data"]]
    wallets = [UUID(wallet) for each in shown for wallet in each["wallets"]]
    assert len(wallets) == len(set(wallets)) == len(shown)
