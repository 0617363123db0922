"""Lists of workers: filters, orders, pages, counts."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from query_api.config import WorkerIndexConfig
from schemas.names.natural_order import natural_key
from tests.integration.api.client import BASE, api_client, api_config, connected, read_all
from tests.integration.api.data import (
    seed_minutes,
    seed_tree,
    set_figures_version,
    set_status,
)

STATUS_ORDER = ["unavailable", "off", "stable", "removed"]


@pytest.fixture(params=["sql", "worker_index"])
async def many(database_url, request):
    """Once as PostgreSQL sorts, once as very long lists are sorted."""
    long = WorkerIndexConfig(from_workers=20_000 if request.param == "sql" else 0)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection, workers=40)
        await seed_minutes(connection, days=1, every_minutes=60)
        rng = random.Random(7)
        for worker in tree.alpha_workers[::2]:
            status = rng.choice(["stable", "unavailable", "off", "removed"])
            await set_status(connection, worker.id, status)
        async with api_client(replace(api_config(database_url), worker_index=long)) as client:
            yield client, tree, connection


def rate(window, kind="hashrate"):
    return lambda item: float(item["stats"][window][kind])


def reject_pct(item):
    hashrate, rejectrate = rate("15m")(item), rate("15m", "rejectrate")(item)
    return rejectrate / (hashrate + rejectrate) if hashrate + rejectrate else 0


KEYS = {
    "worker_name": lambda item: (natural_key(item["name"]), item["name"]),
    "hash_rate_15m": rate("15m"),
    "hash_rate_1h": rate("1h"),
    "hash_rate_24h": rate("1d"),
    "reject_pct_15m": reject_pct,
    "default": lambda item: (STATUS_ORDER.index(item["status"]), *KEYS["worker_name"](item)),
}


@pytest.mark.parametrize("scope", ["miner", "operator", "pool"])
async def test_pages_are_whole_and_sorted_by_every_key(many, scope):
    client, tree, _ = many
    entity = {"miner": tree.alpha, "operator": tree.operator, "pool": tree.pool}[scope]
    url = f"{BASE}/{scope}s/{entity.uid}/workers"
    everything = {"status": STATUS_ORDER}
    expected = 42 if scope == "pool" else 40
    for sort, key in KEYS.items():
        for direction in ("asc", "desc"):
            items = await read_all(
                client, url, **everything, **{"sort-by": sort, "sort-direction": direction}
            )
            assert len({item["id"] for item in items}) == len(items) == expected
            keys = [key(item) for item in items]
            assert keys == sorted(keys, reverse=direction == "desc")


async def test_filters_and_search(many):
    client, tree, _ = many
    url = f"{BASE}/pools/{tree.pool.uid}/workers"
    visible = await read_all(client, url)
    assert {item["status"] for item in visible} == {"stable", "unavailable", "off"}
    some = await read_all(client, url, status=["off", "removed"])
    assert {item["status"] for item in some} == {"off", "removed"}
    boundary = await read_all(client, url, behavior="boundary")
    assert [(item["name"], item["behavior"]) for item in boundary] == [("gift", "boundary")]
    found = await read_all(client, url, search="RIG-1", status=STATUS_ORDER)
    assert [item["name"] for item in sorted(found, key=KEYS["worker_name"])] == [
        f"rig-{i}" for i in range(10, 20)
    ]
    assert await read_all(client, url, search="%") == []
    beyond = await client.get(url, params={"offset": 10_000})
    assert beyond.json()["data"] == []
    assert beyond.json()["pagination"]["total_count"] == len(visible)


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("ÄRGER-1", ["ärger", "ÄR", "r-1"]),
        ("İzmir-1", ["İZMİR", "i\u0307zmi", "izmir"]),
        ("ΟΔΟΣ", ["οδος", "οδοσ", "Σ", "ς"]),
        ("straße", ["STRASSE", "ẞ"]),
        ("100_\u212aelvin", ["kELVIN", "0_k"]),
    ],
)
async def test_a_search_knows_letters_beyond_ascii_in_any_case(many, name, searches):
    client, tree, connection = many
    rename = "update workers set name = $2 where id = $1"
    await connection.execute(rename, tree.alpha_workers[1].id, name)
    url = f"{BASE}/miners/{tree.alpha.uid}/workers"
    for search in searches:
        found = await read_all(client, url, search=search)
        assert [item["name"] for item in found] == [name], search
    assert await read_all(client, url, search=name + "x") == []


async def test_a_worker_of_a_later_beat_stands_in_its_place(many):
    client, tree, connection = many
    url = f"{BASE}/miners/{tree.alpha.uid}/workers"
    before = await read_all(client, url, **{"sort-by": "worker_name"})
    new = await connection.fetchval(
        "insert into workers (miner_id, name) values ($1, 'rig-1a') returning id", tree.alpha.id
    )
    await connection.execute(
        "insert into worker_figures (worker_id, miner_id, status, status_since) "
        "values ($1, $2, 'off', now())",
        *(new, tree.alpha.id),
    )
    await set_figures_version(connection)
    wanted = sorted([*(item["name"] for item in before), "rig-1a"], key=natural_key)
    # The new cycle may be taken up between two pages: one reading then holds some of both.
    names: list[str] = []
    async with asyncio.timeout(10):
        while names != wanted:
            await asyncio.sleep(0.1)
            found = await read_all(client, url, **{"sort-by": "worker_name"})
            names = [item["name"] for item in found]
    found = await read_all(client, url, search="G-1A")
    assert [(item["name"], item["status"]) for item in found] == [("rig-1a", "off")]


async def test_a_worker_that_its_feed_renames_is_found_by_its_new_name(many):
    client, tree, connection = many
    url, worker = f"{BASE}/miners/{tree.alpha.uid}/workers", tree.alpha_workers[3]
    before = await read_all(client, url, search="rig")
    old = await connection.fetchval("select name from workers where id = $1", worker.id)
    await connection.execute("update workers set name = 'renamed' where id = $1", worker.id)
    await connection.execute(
        "insert into worker_aliases (miner_id, name, worker_id) values ($1, $2, $3)",
        *(tree.alpha.id, old, worker.id),
    )
    await set_figures_version(connection)
    found: list[str] = []
    async with asyncio.timeout(20):
        while found != [str(worker.uid)]:
            await asyncio.sleep(0.1)
            found = [item["id"] for item in await read_all(client, url, search="RENAM")]
    after = await read_all(client, url, search="rig")
    assert [item["id"] for item in before if item["id"] != str(worker.uid)] == [
        item["id"] for item in after
    ]


async def test_counts_agree_with_the_list(many):
    client, tree, _ = many
    url = f"{BASE}/miners/{tree.alpha.uid}/workers"
    counts = (await client.get(url + "/stats")).json()
    assert list(counts) == ["removed", "off", "unavailable", "stable"]
    for status, count in counts.items():
        assert len(await read_all(client, url, status=status)) == count


async def test_a_manual_removal_shows_at_once(many):
    client, tree, connection = many
    worker = tree.alpha_workers[1]
    before = (await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers/stats")).json()
    removed = await client.delete(f"{BASE}/workers/{worker.uid}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert (await client.get(f"{BASE}/workers/{worker.uid}")).json()["status"] == "removed"
    after = (await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers/stats")).json()
    assert after["removed"] == before["removed"] + 1
    assert after["stable"] == before["stable"] - 1
    assert await connection.fetchval("select worker_id from worker_removals") == worker.id
    refused = await client.delete(f"{BASE}/workers/{tree.boundary.uid}")
    assert refused.status_code == 409


@pytest.mark.parametrize("scope", ["miner", "operator", "pool"])
async def test_all_counts_agree_after_manual_removals(many, scope):
    client, tree, connection = many
    entity = {"miner": tree.alpha, "operator": tree.operator, "pool": tree.pool}[scope]
    for status, worker in zip(("off", "stable"), tree.alpha_workers[1::2], strict=False):
        await set_status(connection, worker.id, status)
        assert (await client.delete(f"{BASE}/workers/{worker.uid}")).status_code == 204
    url = f"{BASE}/{scope}s/{entity.uid}"
    listed = {
        status: len(await read_all(client, f"{url}/workers", status=status))
        for status in STATUS_ORDER
    }
    counted = (await client.get(f"{url}/workers/stats")).json()
    shown = (await client.get(url)).json()
    assert counted == listed
    assert shown["workers"]["statuses"] == listed
    assert shown["workers"]["count"] == sum(listed.values()) - listed["removed"]


async def test_an_item_has_what_the_contract_says(many):
    client, tree, _ = many
    worker = tree.alpha_workers[0]
    item = (await client.get(f"{BASE}/workers/{worker.uid}")).json()
    assert item["miner"] == {
        "id": str(tree.alpha.uid),
        "account_name": "alpha",
        "title": "Alpha Ltd",
    }
    ours = {"created_at", "last_share_at", "stats", "normal", "labels"}
    ours |= {"hardware", "shares", "uptime"}
    assert set(item) == {"id", "name", "behavior", "status", "miner"} | ours
    stats = await client.get(f"{BASE}/workers/stats", params={"id": str(worker.uid)})
    whole = {
        window: {name: rate.partition(".")[0] for name, rate in rates.items()}
        for window, rates in item["stats"].items()
    }
    assert whole == stats.json()[str(worker.uid)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"offset": -1}, "offset"),
        ({"sort-by": "luck"}, "sort-by"),
        ({"status": "dead"}, "status"),
        ({"limit": ["1", "2"]}, "limit"),
    ],
)
async def test_a_wrong_parameter_is_named_in_words(many, query, field):
    client, tree, _ = many
    answer = await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"
    assert field in answer.json()["error"]["message"]
