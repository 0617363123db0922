"""What an existing Headframe client does, after nothing but its base address was changed."""

from __future__ import annotations

import pytest

from query_api.config import AccessConfig, KratosConfig
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree
from tests.integration.api.fake_kratos import COOKIE, kratos

USER = "5f9c5f64-0a0c-4b43-8f0e-0b8f7f8a1c11"


@pytest.fixture
async def client(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1)
        await connection.execute("insert into users (uid) values ($1)", USER)
        # A boundary worker needs rights on both sides.
        for entity in (tree.operator, tree.beta):
            await connection.execute("insert into roles values ($1, $2, 'owner')", entity.id, USER)
    with kratos() as state:
        state.sessions["cookie-value"] = USER
        access = AccessConfig(kratos=KratosConfig(url=state.address))
        async with api_client(api_config(database_url, access=access)) as found:
            found.headers["Cookie"] = f"{COOKIE}=cookie-value"
            yield found, tree


async def test_a_week_of_a_miner(client):
    api, tree = client
    answer = await api.get(f"{BASE}/miners/charts?period=P1W&id={tree.alpha.uid}")
    body = answer.json()
    assert list(body) == ["from", "to", "interval", "data"]
    assert body["interval"] == "PT1H"
    assert len(body["data"][str(tree.alpha.uid)]["points"]) == 168


async def test_stats_of_a_worker(client):
    api, tree = client
    worker = tree.alpha_workers[0].uid
    answer = await api.get(f"{BASE}/workers/stats?id={worker}")
    assert list(answer.json()[str(worker)]) == ["15m", "1h", "1d", "1w"]


async def test_a_hundred_workers(client):
    api, tree = client
    answer = await api.get(f"{BASE}/miners/{tree.alpha.uid}/workers?limit=100")
    assert answer.json()["pagination"] == {"limit": 100, "offset": 0, "total_count": 3}


@pytest.mark.parametrize("hashrate", ["100000000000000", 100000000000000])
async def test_a_boundary_worker_comes_and_goes(client, hashrate):
    api, tree = client
    body = {
        "name": "transfer",
        "donor_miner_id": str(tree.alpha.uid),
        "recipient_miner_id": str(tree.beta.uid),
        "hashrate": hashrate,
    }
    made = await api.post(f"{BASE}/workers/boundary", json=body)
    assert made.status_code == 200, made.text
    gone = await api.delete(f"{BASE}/workers/boundary/{made.json()['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers


@pytest.mark.parametrize(
    ("content_type", "content", "title"),
    [
        (None, b"", "Watcher for Alpha Ltd"),
        ("application/json", b"", "Watcher for Alpha Ltd"),
        ("aplication/json", b'{"title":"","extra_permissions":[]}', "Watcher for Alpha Ltd"),
        ("aplication/json", b'{"title":"Hall 3"}', "Hall 3"),
        ("application/json; charset=utf-8", b"{}", "Watcher for Alpha Ltd"),
    ],
)
async def test_a_watcher_link_is_made_of_the_sample(client, content_type, content, title):
    api, tree = client
    headers = {"Content-Type": content_type} if content_type else {}
    path = f"{BASE}/miners/{tree.alpha.uid}/watchers"
    answer = await api.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.json().get("title")) == (200, title), answer.text


async def test_a_link_of_a_miner_without_a_title_bears_its_account_name(client):
    api, tree = client
    made = await api.post(f"{BASE}/miners/{tree.beta.uid}/watchers")
    assert made.json()["title"] == "Watcher for beta", made.text


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"title":1}', b'{"extra_permissions":["x"]}'])
async def test_a_watcher_link_of_nonsense_is_refused(client, content):
    api, tree = client
    path = f"{BASE}/miners/{tree.alpha.uid}/watchers"
    answer = await api.post(path, content=content, headers={"Content-Type": "aplication/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("body")
