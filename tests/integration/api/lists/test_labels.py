"""Tags, groups and notes of workers: changed together, filtered by, counted, saved."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from uuid import uuid4

import pytest

from query_api.config import AccessConfig, WorkerIndexConfig
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree, set_status


@pytest.fixture(params=["sql", "worker_index"])
async def pool(database_url, request):
    """Ten workers of alpha; once as PostgreSQL finds them, once as very long lists are searched."""
    long = WorkerIndexConfig(from_workers=20_000 if request.param == "sql" else 0)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection, workers=10)
        await seed_minutes(connection, days=1, every_minutes=60)
        async with api_client(replace(api_config(database_url), worker_index=long)) as client:
            yield client, tree, connection


def labels_path(tree) -> str:
    return f"{BASE}/miners/{tree.alpha.uid}/workers/labels"


async def change(client, tree, workers, expected: int = 200, **body):
    ids = [str(worker.uid) for worker in workers]
    answer = await client.patch(labels_path(tree), json={"worker_ids": ids} | body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def listed(client, tree, query: str = "", path: str | None = None) -> dict[str, dict]:
    path = path or f"/miners/{tree.alpha.uid}/workers"
    answer = await client.get(f"{BASE}{path}?limit=100&{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["pagination"]["total_count"] == len(body["data"])
    return {item["id"]: item["labels"] for item in body["data"]}


def ids_of(workers) -> set[str]:
    return {str(worker.uid) for worker in workers}


async def test_many_are_changed_at_once_and_what_is_not_named_stays(pool):
    client, tree, _ = pool
    first, second, *_ = tree.alpha_workers
    await change(client, tree, [first, second], add_tags=["s21", "hydro", "s21"], group="Hall 3")
    answer = await change(
        client, tree, [second], remove_tags=["s21"], add_tags=["a1"], note="fan\n2"
    )
    assert answer["data"] == [
        {
            "id": str(second.uid),
            "labels": {"tags": ["a1", "hydro"], "group": "Hall 3", "note": "fan\n2"},
        }
    ]
    found = await listed(client, tree)
    assert found[str(first.uid)] == {"tags": ["hydro", "s21"], "group": "Hall 3", "note": None}
    assert found[str(second.uid)] == answer["data"][0]["labels"]
    one = (await client.get(f"{BASE}/workers/{second.uid}")).json()
    assert one["labels"] == answer["data"][0]["labels"]


async def test_one_label_is_one_however_it_is_typed(pool):
    client, tree, _ = pool
    first, second, *_ = tree.alpha_workers
    await change(client, tree, [first], add_tags=["café"], group="Hall é", note="1\r\n2\r\n")
    await change(client, tree, [second], add_tags=["cafe\u0301\u200b"], group=" Hall e\u0301 ")
    found = await listed(client, tree)
    assert found[str(first.uid)] == {"tags": ["café"], "group": "Hall é", "note": "1\n2"}
    assert found[str(second.uid)] == {"tags": ["café"], "group": "Hall é", "note": None}
    typed = {"tag": "cafe\u0301", "group": "Hall e\u0301"}
    filtered = await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers", params=typed)
    assert {each["id"] for each in filtered.json()["data"]} == ids_of([first, second])
    await change(client, tree, [second], remove_tags=["cafe\u0301"], group=None)
    assert (await listed(client, tree))[str(second.uid)]["tags"] == []


async def test_what_is_taken_away_leaves_nothing_behind(pool):
    client, tree, connection = pool
    first, *_ = tree.alpha_workers
    await change(client, tree, [first], add_tags=["x"], group="g", note="n")
    await change(client, tree, [first], remove_tags=["x", "never"], group=None, note=None)
    await change(client, tree, tree.alpha_workers, remove_tags=["x"])
    assert (await listed(client, tree))[str(first.uid)] == {"tags": [], "group": None, "note": None}
    assert await connection.fetchval("select count(*) from worker_labels") == 0


async def test_lists_are_filtered_by_labels_and_everything_else(pool):
    client, tree, connection = pool
    workers = tree.alpha_workers
    await change(client, tree, workers[:6], add_tags=["s21"])
    await change(client, tree, workers[3:8], add_tags=["hydro"], group="Hall 3")
    assert set(await listed(client, tree, "tag=s21")) == ids_of(workers[:6])
    assert set(await listed(client, tree, "tag=s21&tag=hydro")) == ids_of(workers[3:6])
    assert set(await listed(client, tree, "group=Hall%203")) == ids_of(workers[3:8])
    assert set(await listed(client, tree, "group=Hall%203&tag=s21")) == ids_of(workers[3:6])
    assert (
        await listed(client, tree, "tag=s2") == await listed(client, tree, "group=hall%203") == {}
    )
    name = await connection.fetchval("select name from workers where id = $1", workers[4].id)
    both = await listed(client, tree, f"tag=s21&search={name.upper()}")
    assert str(workers[4].uid) in both
    assert set(both) < ids_of(workers[:6])
    for path in (f"/operators/{tree.operator.uid}/workers", f"/pools/{tree.pool.uid}/workers"):
        assert set(await listed(client, tree, "tag=hydro", path)) == ids_of(workers[3:8])


async def test_counts_are_in_natural_order_and_without_the_removed(pool):
    client, tree, connection = pool
    first, second, third, *_ = tree.alpha_workers
    await change(client, tree, [first, second, third], add_tags=["rack10"], group="B")
    await change(client, tree, [first], add_tags=["rack9"], group="A")
    await set_status(connection, third.id, "removed")
    for scope in (
        f"miners/{tree.alpha.uid}",
        f"operators/{tree.operator.uid}",
        f"pools/{tree.pool.uid}",
    ):
        assert (await client.get(f"{BASE}/{scope}/workers/labels")).json() == {
            "tags": [{"name": "rack9", "workers": 1}, {"name": "rack10", "workers": 2}],
            "groups": [{"name": "A", "workers": 1}, {"name": "B", "workers": 1}],
        }
    other = (await client.get(f"{BASE}/miners/{tree.beta.uid}/workers/labels")).json()
    assert other == {"tags": [], "groups": []}


async def test_all_or_none(pool):
    client, tree, _ = pool
    first, second, *_ = tree.alpha_workers
    await change(client, tree, [first], add_tags=[f"t{number}" for number in range(20)])
    refused = await change(client, tree, [second, first], 409, add_tags=["one-more"])
    assert refused["error"]["message"] == "a worker has at most 20 tags"
    stranger = tree.beta_workers[0]
    refused = await change(client, tree, [second, stranger], 404, add_tags=["one-more"])
    assert str(stranger.uid) in refused["error"]["message"]
    refused = await client.patch(
        labels_path(tree), json={"worker_ids": [str(second.uid), str(uuid4())], "note": "n"}
    )
    assert refused.status_code == 404
    assert (await listed(client, tree))[str(second.uid)]["tags"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"add_tags": ["two words"]},
        {"add_tags": ["a,b"]},
        {"add_tags": [""]},
        {"add_tags": ["x" * 41]},
        {"add_tags": ["\u202etxt"]},
        {"add_tags": ["ok"] * 21},
        {"remove_tags": ["tab\there"]},
        {"add_tags": ["\u200b"]},
        {"group": ""},
        {"group": " \u3000"},
        {"group": "two\nlines"},
        {"group": "x" * 61},
        {"note": "x" * 2_001},
        {"note": "bell\u0007"},
        {"note": "half \ud83d"},
        {"worker_ids": []},
        {"worker_ids": ["rig1"]},
    ],
    ids=str,
)
async def test_what_labels_may_not_be(database_url, body):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        whole = {"worker_ids": [str(tree.alpha_workers[0].uid)]} | body
        async with api_client(api_config(database_url)) as client:
            answer = await client.patch(
                labels_path(tree),
                content=json.dumps(whole),
                headers={"Content-Type": "application/json"},
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_input")
            assert (await client.get(labels_path(tree))).json() == {"tags": [], "groups": []}


async def test_changes_at_once_all_count(pool):
    client, tree, _ = pool
    first = tree.alpha_workers[0]
    tags = [f"t{number:02}" for number in range(12)]
    await asyncio.gather(*(change(client, tree, [first], add_tags=[tag]) for tag in tags))
    assert (await listed(client, tree))[str(first.uid)]["tags"] == tags


async def test_a_file_holds_labels_and_no_formula(pool):
    client, tree, _ = pool
    first, second, *_ = tree.alpha_workers
    await change(client, tree, [first], add_tags=["b", "=1+1"], group="@SUM(1)", note="+1 fan")
    await change(client, tree, [second], note="-2 fans")
    answer = await client.get(
        f"{BASE}/miners/{tree.alpha.uid}/workers?limit=100", headers={"Accept": "text/csv"}
    )
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    one = rows[str(first.uid)]
    assert one["labels_tags"] == "'=1+1 b"
    assert (one["labels_group"], one["labels_note"]) == ("'@SUM(1)", "'+1 fan")
    assert rows[str(second.uid)]["labels_note"] == "'-2 fans"


async def test_a_watcher_sees_no_label_and_filters_by_none(database_url):
    internal = {"X-Headframe-API-Key": "internal"}
    config = api_config(database_url, access=AccessConfig(internal_api_key="internal"))
    async with connected(database_url) as connection:
        tree = await seed_tree(connection, workers=10)
    async with api_client(config) as client:
        await _watch(client, tree, internal)


async def _watch(client, tree, internal):
    first = tree.alpha_workers[0]
    body = {"worker_ids": [str(first.uid)], "add_tags": ["secret"], "note": "owes me 2 fans"}
    changed = await client.patch(labels_path(tree), json=body, headers=internal)
    assert changed.status_code == 200
    made = await client.post(f"{BASE}/miners/{tree.alpha.uid}/watchers", json={}, headers=internal)
    watcher = {"X-Watcher-Token": made.json()["token"]}
    path = f"{BASE}/miners/{tree.alpha.uid}/workers"
    whole = await client.get(path, headers=watcher)
    assert whole.status_code == 200
    assert [item["labels"] for item in whole.json()["data"]] == [None] * 10
    one = await client.get(f"{BASE}/workers/{first.uid}", headers=watcher)
    assert one.json()["labels"] is None
    for query in ("?tag=secret", "?group=x"):
        assert (await client.get(path + query, headers=watcher)).status_code == 403
    assert (await client.get(labels_path(tree), headers=watcher)).status_code == 403
