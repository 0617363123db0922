"""Daily reports, as JSON and CSV, compared with plain sums over the minutes."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from schemas.units import format_hps
from tests.integration.api.client import BASE, api_client, api_config, connected, with_database
from tests.integration.api.data import seed_minutes, seed_tree


@pytest.fixture
async def api(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=4, every_minutes=30)
        rows = await connection.fetch("select * from worker_minutes")
    async with api_client(api_config(database_url)) as client:
        yield client, tree, rows


def expected(rows, worker_id, day):
    inside = [r for r in rows if r["worker_id"] == worker_id and r["bucket"].date() == day]
    return (
        format_hps(sum(r["accepted"] for r in inside), 86_400),
        format_hps(sum(r["rejected"] for r in inside), 86_400),
    )


async def test_each_worker_on_each_day(api):
    client, tree, rows = api
    url = f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report"
    query = {"from": "2026-09-11", "to": "2026-09-13"}
    body = (await client.get(url, params=query)).json()
    assert (body["from"], body["to"]) == ("2026-09-11", "2026-09-13")
    days = body["data"]
    assert [day["date"] for day in days] == ["2026-09-11", "2026-09-12", "2026-09-13"]
    assert [day["complete"] for day in days] == [True, True, False]
    assert (days[0]["from"], days[0]["to"]) == ("2026-09-11T00:00:00Z", "2026-09-11T23:59:59Z")
    for day in days:
        date = datetime.fromisoformat(day["date"]).replace(tzinfo=UTC).date()
        names = [worker["worker_name"] for worker in day["workers"]]
        assert names == ["rig-00", "rig-01", "rig-02"]
        for node, worker in zip(tree.alpha_workers, day["workers"], strict=True):
            assert worker["account_name"] == "alpha"
            got = (worker["hashrate"], worker["rejectrate"])
            assert got == expected(rows, node.id, date)


async def test_csv_says_the_same(api):
    client, tree, _ = api
    url = f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report?from=2026-09-11&to=2026-09-12"
    body = (await client.get(url)).json()
    answer = await client.get(url, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    flat = [(day["date"], w) for day in body["data"] for w in day["workers"]]
    assert [(line["date_utc"], line["worker_name"], line["hashrate_hps"]) for line in lines] == [
        (day, worker["worker_name"], worker["hashrate"]) for day, worker in flat
    ]
    for line, (_, worker) in zip(lines, flat, strict=True):
        accepted, rejected = float(worker["hashrate"]), float(worker["rejectrate"])
        percent = 100 * rejected / (accepted + rejected) if rejected else 0
        assert float(line["reject_percent"]) == pytest.approx(percent, abs=1e-3)
    # No byte order mark: a program reads the first column under its name.
    assert not answer.content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_a_report_that_cannot_begin_is_503(database_url, accept):
    config = with_database(api_config(database_url), statement_timeout_s=0.3)
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
        async with api_client(config) as client:
            await connection.execute("begin; lock table worker_1d in access exclusive mode")
            url = f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report"
            answer = await client.get(url, headers={"Accept": accept})
            await connection.execute("rollback")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert "content-disposition" not in answer.headers


async def test_the_default_is_the_last_seven_complete_days(api):
    client, tree, _ = api
    body = (await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report")).json()
    assert (body["from"], body["to"]) == ("2026-09-06", "2026-09-12")


async def test_the_donors_report(api):
    client, tree, rows = api
    url = f"{BASE}/miners/{tree.alpha.uid}/boundary-workers/daily-report"
    query = {"from": "2026-09-12", "to": "2026-09-12"}
    (day,) = (await client.get(url, params=query)).json()["data"]
    (worker,) = day["workers"]
    assert (worker["account_name"], worker["worker_name"]) == ("beta", "gift")
    date = datetime(2026, 9, 12, tzinfo=UTC).date()
    assert (worker["hashrate"], worker["rejectrate"]) == expected(rows, tree.boundary.id, date)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-09-13", "to": "2026-09-12"},
        {"from": "2026-01-01", "to": "2026-04-03"},
        {"from": "yesterday"},
        {"to": "2026-02-30"},
    ],
)
async def test_bad_spans_are_400(api, query):
    client, tree, _ = api
    url = f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report"
    assert (await client.get(url, params=query)).status_code == 400


async def test_92_days_are_served(api):
    client, tree, _ = api
    url = f"{BASE}/miners/{tree.alpha.uid}/workers/daily-report"
    answer = await client.get(url, params={"from": "2026-01-01", "to": "2026-04-02"})
    assert len(answer.json()["data"]) == 92


async def test_a_day_that_has_not_begun_has_no_workers(api):
    client, tree, _ = api
    for owner in (f"{tree.alpha.uid}/workers", f"{tree.alpha.uid}/boundary-workers"):
        url = f"{BASE}/miners/{owner}/daily-report?from=2026-09-13&to=2026-09-15"
        body = (await client.get(url)).json()
        shown = {day["date"]: bool(day["workers"]) for day in body["data"]}
        assert shown == {"2026-09-13": True, "2026-09-14": False, "2026-09-15": False}
        lines = (await client.get(url, headers={"Accept": "text/csv"})).text.splitlines()[1:]
        assert {line.partition(",")[0] for line in lines} == {"2026-09-13"}
