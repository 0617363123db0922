"""Boundary workers over HTTP, as a Headframe client uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree

URL = f"{BASE}/workers/boundary"


@pytest.fixture
async def api(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=2, every_minutes=20)
        async with api_client(api_config(database_url)) as client:
            yield client, tree, connection


def new(tree, **changes):
    return {
        "name": "line-1",
        "donor_miner_id": str(tree.alpha.uid),
        "recipient_miner_id": str(tree.beta.uid),
        "hashrate": "100000000000000",
    } | changes


@pytest.mark.parametrize("hashrate", ["100000000000000", 100000000000000])
async def test_created_in_force_at_once_with_a_string_or_a_number(api, hashrate):
    client, tree, _ = api
    before = datetime.now(UTC) - timedelta(seconds=5)
    made = await client.post(URL, json=new(tree, hashrate=hashrate))
    assert made.status_code == 200, made.text
    item = made.json()
    assert item["miner"]["account_name"] == "beta"
    assert item["donor"]["account_name"] == "alpha"
    assert (item["behavior"], item["status"]) == ("boundary", "stable")
    current = item["hashrate"]["current"]
    assert current["hashrate"] == 100000000000000
    assert isinstance(current["hashrate"], int)
    assert datetime.fromisoformat(current["valid_from"]) > before
    assert current["valid_until"] is None
    assert item["hashrate"]["future"] is None
    assert (await client.get(f"{URL}/{item['id']}")).json() == item
    listed = await client.get(f"{BASE}/workers/{item['id']}")
    assert listed.json()["status"] == "stable"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_changed_rate_waits_for_midnight(api, method):
    client, tree, _ = api
    made = (await client.post(URL, json=new(tree))).json()
    url = f"{URL}/{made['id']}"
    midnight = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
    for rate in ("5000000000", "6000000000"):
        changed = await client.request(method, url, json={"hashrate": rate})
        assert changed.status_code == 200, changed.text
    hashrate = (await client.get(url)).json()["hashrate"]
    assert hashrate["current"]["hashrate"] == 100000000000000
    assert hashrate["current"]["valid_until"] == midnight
    assert hashrate["future"] == {
        "hashrate": 6000000000,
        "valid_from": midnight,
        "valid_until": None,
    }


async def test_disconnected_for_good_and_its_history_stays(api):
    client, tree, _ = api
    made = (await client.post(URL, json=new(tree))).json()
    url = f"{URL}/{made['id']}"
    for _ in range(2):
        gone = await client.delete(url)
        assert (gone.status_code, gone.content) == (204, b"")
    item = (await client.get(url)).json()
    assert item["status"] == "off"
    assert item["hashrate"]["current"]["valid_until"] is not None
    late = await client.patch(url, json={"hashrate": 5000000000})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "gift"}, 409),
        ({"name": "solo"}, 200),
        ({"name": "ab"}, 400),
        ({"name": "a" * 65}, 400),
        ({"name": "with space"}, 400),
        ({"name": "all_`-%$#@!^&*()[]{}<>/\\'\"~"}, 200),
        ({"hashrate": "4294967295"}, 400),
        ({"hashrate": "4294967296"}, 200),
        ({"hashrate": "NaN"}, 400),
        ({"hashrate": "Infinity"}, 400),
        ({"hashrate": True}, 400),
        ({"hashrate": "1e30"}, 400),
        ({"more": 1}, 200),
        ({"hashrate": "1e14"}, 400),
        ({"hashrate": 1e14}, 400),
        ({"hashrate": "100000000000000.00"}, 400),
        ({"donor_miner_id": "nonsense"}, 400),
        ({"donor_miner_id": "7b7d6d3e-0000-4000-8000-000000000000"}, 404),
        ({"recipient_miner_id": "7b7d6d3e-0000-4000-8000-000000000000"}, 404),
    ],
)
async def test_what_is_taken(api, changes, status):
    client, tree, _ = api
    made = await client.post(URL, json=new(tree, **changes))
    assert made.status_code == status, made.text


async def test_donor_and_recipient_differ(api):
    client, tree, _ = api
    same = await client.post(URL, json=new(tree, recipient_miner_id=str(tree.alpha.uid)))
    assert same.status_code == 400
    assert "recipient_miner_id" in same.json()["error"]["message"]


async def test_transfers_of_a_donor(api):
    client, tree, _ = api
    for number in range(3):
        body = new(tree, name=f"line-{number}", hashrate=5 * 10**9 + number)
        made = (await client.post(URL, json=body)).json()
    await client.delete(f"{URL}/{made['id']}")
    url = f"{BASE}/miners/{tree.alpha.uid}/hashrate-transfers"

    async def names(**query):
        body = (await client.get(url, params=query)).json()
        return [item["name"] for item in body["data"]], body["pagination"]["total_count"]

    assert await names() == (["gift", "line-0", "line-1", "line-2"], 4)
    assert await names(status="off") == (["line-2"], 1)
    query = {"sort-by": "nominal_hashrate", "sort-direction": "desc", "limit": 2}
    assert await names(**query) == (["gift", "line-2"], 4)
    assert await names(offset=10) == ([], 4)
    other = await client.get(f"{BASE}/miners/{tree.beta.uid}/hashrate-transfers")
    assert other.json()["pagination"]["total_count"] == 0


async def test_the_donors_figures_are_those_of_what_it_gives(api):
    client, tree, _ = api
    base = f"{BASE}/miners/{tree.alpha.uid}/boundary-workers"
    gift = str(tree.boundary.uid)
    stats = await client.get(f"{base}/stats")
    alone = await client.get(f"{BASE}/workers/stats", params={"id": gift})
    # Stats by id are in whole hashes; sums are exact.
    whole = {
        window: {name: value.partition(".")[0] for name, value in figures.items()}
        for window, figures in stats.json().items()
    }
    assert whole == alone.json()[gift]
    query = {"period": "P1D"}
    chart = await client.get(f"{base}/charts", params=query)
    one = await client.get(f"{BASE}/workers/charts", params=query | {"id": gift})
    assert chart.json()["data"]["points"] == one.json()["data"][gift]["points"]
    nothing = await client.get(f"{BASE}/miners/{tree.beta.uid}/boundary-workers/stats")
    assert nothing.json()["1w"] == {"hashrate": "0.00", "rejectrate": "0.00"}
