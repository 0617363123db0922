"""Lists of workers: filters, orders, pages, counts."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from query_api.config import RankingConfig
from tests.integration.api_client import BASE, api_client, api_config, connected
from tests.integration.api_data import seed_minutes, seed_tree, set_beat, set_status

STATUS_ORDER = ["unavailable", "off", "stable", "removed"]


@pytest.fixture(params=["sql", "ranking"])
async def many(database_url, request):
    """Once as PostgreSQL sorts, once as very long lists are sorted."""
    long = RankingConfig(from_workers=20_000 if request.param == "sql" else 0)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection, workers=40)
        await seed_minutes(connection, days=1, every_minutes=60)
        rng = random.Random(7)
        for worker in tree.alpha_workers[::2]:
            status = rng.choice(["stable", "unavailable", "off", "removed"])
            await set_status(connection, worker.id, status)
        async with api_client(replace(api_config(database_url), ranking=long)) as client:
            yield client, tree, connection


async def read_all(client, url, **query):
    """Every item of a list, page by page."""
    items, total = [], 1
    while len(items) < total:
        page = await client.get(url, params=query | {"limit": 7, "offset": len(items)})
        assert page.status_code == 200, page.text
        body = page.json()
        total = body["pagination"]["total_count"]
        assert body["data"] or not total
        items += body["data"]
    return items


def rate(window, kind="hashrate"):
    return lambda item: float(item["stats"][window][kind])


def reject_pct(item):
    hashrate, rejectrate = rate("15m")(item), rate("15m", "rejectrate")(item)
    return rejectrate / (hashrate + rejectrate) if hashrate + rejectrate else 0


KEYS = {
    "worker_name": lambda item: item["name"],
    "hash_rate_15m": rate("15m"),
    "hash_rate_1h": rate("1h"),
    "hash_rate_24h": rate("1d"),
    "reject_pct_15m": reject_pct,
    "default": lambda item: (STATUS_ORDER.index(item["status"]), item["name"]),
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


async def test_a_search_knows_letters_beyond_ascii_in_any_case(many):
    client, tree, connection = many
    name = "update workers set name = 'ÄRGER-1' where id = $1"
    await connection.execute(name, tree.alpha_workers[1].id)
    url = f"{BASE}/miners/{tree.alpha.uid}/workers"
    found = await read_all(client, url, search="ärger")
    assert [item["name"] for item in found] == ["ÄRGER-1"]


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
    await set_beat(connection)
    wanted = sorted([*(item["name"] for item in before), "rig-1a"])
    # The new beat may be taken up between two pages: one reading then holds some of both.
    names: list[str] = []
    async with asyncio.timeout(10):
        while names != wanted:
            await asyncio.sleep(0.1)
            found = await read_all(client, url, **{"sort-by": "worker_name"})
            names = [item["name"] for item in found]
    found = await read_all(client, url, search="G-1A")
    assert [(item["name"], item["status"]) for item in found] == [("rig-1a", "off")]


async def test_counts_agree_with_the_list(many):
    client, tree, _ = many
    url = f"{BASE}/miners/{tree.alpha.uid}/workers"
    counts = (await client.get(url + "/stats")).json()
    assert list(counts) == ["removed", "off", "unavailable", "stable"]
    for status, count in counts.items():
        assert len(await read_all(client, url, status=status)) == count


async def test_a_removal_by_hand_shows_at_once(many):
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


async def test_an_item_has_what_the_contract_says(many):
    client, tree, _ = many
    worker = tree.alpha_workers[0]
    item = (await client.get(f"{BASE}/workers/{worker.uid}")).json()
    assert item["miner"] == {
        "id": str(tree.alpha.uid),
        "account_name": "alpha",
        "title": "Alpha Ltd",
    }
    beyond_the_seed = {"created_at", "last_share_at", "stats"}
    assert set(item) == {"id", "name", "behavior", "status", "miner"} | beyond_the_seed
    stats = await client.get(f"{BASE}/workers/stats", params={"id": str(worker.uid)})
    assert item["stats"] == stats.json()[str(worker.uid)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"offset": -1}, "offset"),
        ({"sort-by": "luck"}, "sort-by"),
        ({"status": "dead"}, "status"),
        ({"statuss": "off"}, "statuss"),
        ({"limit": ["1", "2"]}, "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(many, query, field):
    client, tree, _ = many
    answer = await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"
    assert field in answer.json()["error"]["message"]
