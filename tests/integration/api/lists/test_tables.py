"""Lists and charts as CSV and Parquet, row by row against the JSON of the same question."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
async def api(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=2, every_minutes=30)
        worker = tree.alpha_workers[0]
        await connection.execute("update workers set name = $1 where id = $2", FORMULA, worker.id)
    async with api_client(api_config(database_url)) as client:
        yield client, tree


async def ask(client, path, accept="application/json"):
    answer = await client.get(BASE + path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(accept)
    return answer


async def csv_rows(client, path):
    return list(csv.DictReader(io.StringIO((await ask(client, path, CSV)).text)))


async def parquet_rows(client, path):
    answer = await ask(client, path, PARQUET)
    assert ".parquet" in answer.headers["content-disposition"]
    return pq.read_table(io.BytesIO(answer.content)).to_pylist()


@pytest.mark.parametrize("scope", ["miner", "operator", "pool"])
async def test_a_list_of_workers_has_the_rows_of_its_page(api, scope):
    client, tree = api
    entity = {"miner": tree.alpha, "operator": tree.operator, "pool": tree.pool}[scope]
    path = f"/{scope}s/{entity.uid}/workers?limit=2&offset=1&sort-by=hash_rate_24h"
    page = (await ask(client, path)).json()["data"]
    lines, table = await csv_rows(client, path), await parquet_rows(client, path)
    assert [line["id"] for line in lines] == [item["id"] for item in page]
    assert [row["id"] for row in table] == [item["id"] for item in page]
    for item, line, row in zip(page, lines, table, strict=True):
        rate = item["stats"]["1d"]["hashrate"]
        assert line["stats_1d_hashrate_hps"] == rate, "with all its digits"
        assert row["stats_1d_hashrate_hps"] == float(rate)
        assert row["created_at"] == datetime.fromisoformat(item["created_at"])
        assert line["miner_account_name"] == item["miner"]["account_name"]


async def test_a_name_is_no_formula(api):
    client, tree = api
    path = f"/miners/{tree.alpha.uid}/workers"
    assert f"'{FORMULA}" in [line["name"] for line in await csv_rows(client, path)]
    assert FORMULA in [row["name"] for row in await parquet_rows(client, path)]


async def test_a_chart_has_a_row_a_point(api):
    client, tree = api
    path = f"/pools/{tree.pool.uid}/charts?period=P1D"
    points = (await ask(client, path)).json()["data"]["points"]
    lines, table = await csv_rows(client, path), await parquet_rows(client, path)
    assert [line["hashrate_hps"] for line in lines] == [point["hashrate"] for point in points]
    times = [datetime.fromtimestamp(point["timestamp"], UTC) for point in points]
    assert [row["time_utc"] for row in table] == times
    assert [datetime.fromisoformat(line["time_utc"]) for line in lines] == times


async def test_the_interval_in_progress_is_marked(api):
    client, tree = api
    path = f"/pools/{tree.pool.uid}/charts?period=P1W&running=true"
    series = (await ask(client, path)).json()["data"]
    complete = [row["complete"] for row in await parquet_rows(client, path)]
    assert series["running"] is not None
    assert complete == [True] * len(series["points"]) + [False]


async def test_charts_of_several_bear_their_ids(api):
    client, tree = api
    ids = [str(worker.uid) for worker in tree.alpha_workers]
    path = "/workers/{}charts?period=PT1H&" + "&".join(f"id={uid}" for uid in ids)
    for kind in ("", "rejects/"):
        body = (await ask(client, path.format(kind))).json()
        lines = await csv_rows(client, path.format(kind))
        assert [line["id"] for line in lines] == [
            uid for uid, series in body["data"].items() for _ in series["points"]
        ]
    assert "low_difficulty_hps" in lines[0]


async def test_an_empty_list_is_an_empty_file(api):
    client, tree = api
    path = f"/miners/{tree.alpha.uid}/workers?search=nobody"
    assert await csv_rows(client, path) == []
    assert await parquet_rows(client, path) == []


@pytest.mark.parametrize("accept", [CSV, PARQUET])
async def test_a_refusal_stays_json(api, accept):
    client, _ = api
    path = f"{BASE}/miners/00000000-0000-4000-8000-000000000000/workers"
    answer = await client.get(path, headers={"Accept": accept})
    assert answer.status_code in (403, 404)
    assert answer.json()["error"]["code"] in ("forbidden", "not_found")


async def test_a_cache_keeps_the_formats_apart(api):
    client, tree = api
    path = f"/pools/{tree.pool.uid}/charts?period=P1D"
    for accept in (CSV, "application/json"):
        answer = await ask(client, path, accept)
        assert "Accept," in answer.headers["vary"] + ","
    assert "etag" not in (await ask(client, path, CSV)).headers
    tag = (await ask(client, path)).headers["etag"]
    held = {"Accept": PARQUET, "If-None-Match": tag}
    assert (await client.get(BASE + path, headers=held)).status_code == 200
