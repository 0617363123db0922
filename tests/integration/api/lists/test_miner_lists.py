"""Lists of miners of a pool and of an operator: search, filters, orders, pages, counts."""

from __future__ import annotations

import random

import pytest

from schemas.names.natural_order import natural_key
from schemas.names.search import search_key
from tests.integration.api.client import BASE, api_client, api_config, connected, read_all
from tests.integration.api.data import seed_tree

STATUSES = ("stable", "unavailable", "off", "removed")
TITLES = (
    "Farm",
    "farm north",
    "FARM \u0130stanbul",
    None,
    "100 % hydro_farm",
    "\u041f\u0440\u0438\u0432\u0435\u0442",
)


@pytest.fixture
async def many(database_url):
    """Thirty miners, every other one of the operator, with figures and statuses at random; what is
    known of each."""
    rng = random.Random(11)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection, workers=0)
        await connection.execute("delete from status_counts")
        known = []
        for number in range(30):
            name, title = f"unit{number}", TITLES[number % len(TITLES)]
            operator = tree.operator.id if number % 2 else None
            miner = await connection.fetchval(
                "insert into miners (account_name, title, pool_id, operator_id)"
                " values ($1, $2, $3, $4) returning id",
                *(name, title, tree.pool.id, operator),
            )
            figures = [float(rng.choice([0, 1, 5, 5, 900])) * 65_536 for _ in range(4)]
            await connection.execute(
                "insert into entity_figures (entity_id, accepted_15m, accepted_1h, accepted_1d,"
                " rejected_15m) values ($1, $2, $3, $4, $5)",
                *(miner, *figures),
            )
            counts = {status: rng.choice([0, 0, 1, 40]) for status in STATUSES}
            await connection.executemany(
                "insert into status_counts (entity_id, status, workers) values ($1, $2, $3)",
                [(miner, status, workers) for status, workers in counts.items()],
            )
            known.append((name, title, bool(operator), figures, counts))
        async with api_client(api_config(database_url)) as client:
            yield client, tree, {each[0]: each for each in known}


def present(counts):
    return sum(workers for status, workers in counts.items() if status != "removed")


def reject_ratio(figures):
    submitted = figures[0] + figures[3]
    return figures[3] / submitted if submitted else 0


KEYS = {
    "account_name": lambda miner: natural_key(miner[0]),
    "workers": lambda miner: present(miner[4]),
    "hash_rate_15m": lambda miner: miner[3][0],
    "hash_rate_1h": lambda miner: miner[3][1],
    "hash_rate_24h": lambda miner: miner[3][2],
    "reject_pct_15m": lambda miner: reject_ratio(miner[3]),
}


@pytest.mark.parametrize("sort", KEYS)
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_pages_are_whole_and_sorted_by_every_key(many, sort, direction):
    client, tree, known = many
    for path, expected in (
        (f"/pools/{tree.pool.uid}", 30),
        (f"/operators/{tree.operator.uid}", 15),
    ):
        items = await read_all(
            client,
            f"{BASE}{path}/miners",
            **{"search": "UNIT", "sort-by": sort, "sort-direction": direction},
        )
        assert len({item["id"] for item in items}) == len(items) == expected
        keys = [KEYS[sort](known[item["account_name"]]) for item in items]
        assert keys == sorted(keys, reverse=direction == "desc")


@pytest.mark.parametrize("statuses", [["off"], ["unavailable", "off"], list(STATUSES)], ids=str)
async def test_a_status_lists_the_miners_with_such_workers(many, statuses):
    client, tree, known = many
    items = await read_all(
        client, f"{BASE}/pools/{tree.pool.uid}/miners", status=statuses, search="unit"
    )
    assert {item["account_name"] for item in items} == {
        name for name, *_, counts in known.values() if any(counts[status] for status in statuses)
    }


@pytest.mark.parametrize(
    "part", ["farm", "nit2", "i\u0307stanbul", "%", "_", "\u041f\u0420\u0418", "'", "nobody"]
)
async def test_a_search_finds_account_names_and_titles(many, part):
    client, tree, known = many
    items = await read_all(client, f"{BASE}/operators/{tree.operator.uid}/miners", search=part)
    wanted = search_key(part)
    assert {item["account_name"] for item in items if item["account_name"] != "alpha"} == {
        name
        for name, title, managed, *_ in known.values()
        if managed and (wanted in search_key(name) or wanted in search_key(title or ""))
    }


async def test_counts_are_those_of_the_filters(many):
    client, tree, _ = many
    for path in (f"/pools/{tree.pool.uid}", f"/operators/{tree.operator.uid}"):
        counts = (await client.get(f"{BASE}{path}/miners/stats")).json()
        assert set(counts) == set(STATUSES)
        for status, count in counts.items():
            listed = await client.get(f"{BASE}{path}/miners", params={"status": status, "limit": 1})
            assert listed.json()["pagination"]["total_count"] == count


async def test_a_wrong_order_is_refused_by_name(many):
    client, tree, _ = many
    answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/miners", params={"sort-by": "default"})
    assert answer.status_code == 400
    assert "sort-by" in answer.json()["error"]["message"]
