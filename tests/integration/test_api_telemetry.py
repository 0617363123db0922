"""Stats and charts over HTTP, compared with plain sums over the minutes."""

from __future__ import annotations

from datetime import datetime

import pytest

from query_api.auth.rights import Action
from schemas.units import format_hps
from schemas.windows import PERIODS, WINDOWS
from tests.integration.api_client import BASE, api_client, api_config, connected
from tests.integration.api_data import COMPLETE_TO, seed_minutes, seed_tree
from tests.integration.api_routes import ROUTES

END_S = int(COMPLETE_TO.timestamp())


@pytest.fixture
async def seeded(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection)
        rows = await connection.fetch("select * from worker_minutes")
    async with api_client(api_config(database_url)) as client:
        yield client, tree, rows


def expected_points(rows, period):
    """The naive twin: a point for every interval, from all rows."""
    to = END_S - END_S % period.interval_s
    points = []
    for start in range(to - period.span_s, to, period.interval_s):
        inside = [
            row for row in rows if start <= row["bucket"].timestamp() < start + period.interval_s
        ]
        points.append(
            {
                "timestamp": start,
                "hashrate": format_hps(sum(r["accepted"] for r in inside), period.interval_s),
                "rejectrate": format_hps(sum(r["rejected"] for r in inside), period.interval_s),
            }
        )
    return points


def expected_stats(rows):
    stats = {}
    for window in WINDOWS:
        start = END_S - window.span_s
        inside = [row for row in rows if start <= row["bucket"].timestamp() < END_S]
        stats[window.name] = {
            "hashrate": format_hps(sum(r["accepted"] for r in inside), window.span_s),
            "rejectrate": format_hps(sum(r["rejected"] for r in inside), window.span_s),
        }
    return stats


def rows_of(rows, *worker_ids):
    return [row for row in rows if row["worker_id"] in worker_ids]


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.period)
async def test_charts_are_the_sums_of_minutes(seeded, period):
    client, tree, rows = seeded
    workers = tree.alpha_workers
    query = {"period": period.period, "id": [str(worker.uid) for worker in workers]}
    answer = await client.get(f"{BASE}/workers/charts", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    to = datetime.fromisoformat(body["to"])
    assert int(to.timestamp()) == END_S - END_S % period.interval_s
    assert (to - datetime.fromisoformat(body["from"])).total_seconds() == period.span_s
    assert body["interval"] == period.interval
    for worker in workers:
        chart = body["data"][str(worker.uid)]
        assert chart["status"] == "ok"
        assert chart["points"] == expected_points(rows_of(rows, worker.id), period)


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.period)
async def test_a_miner_has_boundary_workers_and_a_pool_has_not(seeded, period):
    client, tree, rows = seeded
    hardware = [row for row in rows if row["worker_id"] != tree.boundary.id]
    beta = rows_of(rows, tree.beta_workers[0].id, tree.boundary.id)
    query = {"period": period.period}
    miner = await client.get(f"{BASE}/miners/charts", params=query | {"id": str(tree.beta.uid)})
    pool = await client.get(f"{BASE}/pools/{tree.pool.uid}/charts", params=query)
    assert miner.json()["data"][str(tree.beta.uid)]["points"] == expected_points(beta, period)
    assert pool.json()["data"] == {"points": expected_points(hardware, period), "status": "ok"}


async def test_stats_are_the_sums_of_minutes(seeded):
    client, tree, rows = seeded
    ids = [str(worker.uid) for worker in tree.alpha_workers]
    answer = await client.get(f"{BASE}/workers/stats", params={"id": ids})
    assert answer.json() == {
        str(worker.uid): expected_stats(rows_of(rows, worker.id)) for worker in tree.alpha_workers
    }
    assert answer.headers["x-as-of"] == "2026-09-13T10:17:20Z"
    operator = await client.get(f"{BASE}/operators/{tree.operator.uid}/stats")
    alpha = rows_of(rows, *(worker.id for worker in tree.alpha_workers))
    assert operator.json() == expected_stats(alpha)


async def test_rejects_add_up_to_the_reject_rate(seeded):
    client, tree, rows = seeded
    query = {"period": "PT1H", "id": str(tree.alpha.uid)}
    answer = await client.get(f"{BASE}/miners/rejects", params=query)
    reasons = answer.json()[str(tree.alpha.uid)]
    alpha = rows_of(rows, *(worker.id for worker in tree.alpha_workers))
    to = END_S - END_S % 300
    stale = sum(r["rejected"] for r in alpha if to - 3_600 <= r["bucket"].timestamp() < to)
    assert reasons.pop("stale") == format_hps(stale, 3_600)
    assert set(reasons.values()) == {"0.00"}


async def test_an_unknown_id_is_not_found_beside_the_others(seeded):
    client, tree, _ = seeded
    unknown = str(tree.pool.uid)
    known = str(tree.alpha_workers[0].uid)
    query = {"period": "PT15M", "id": [unknown, known]}
    charts = (await client.get(f"{BASE}/workers/charts", params=query)).json()["data"]
    assert charts[unknown] == {"status": "not_found", "points": []}
    assert charts[known]["status"] == "ok"
    stats = await client.get(f"{BASE}/workers/stats", params={"id": [unknown, known]})
    assert list(stats.json()) == [known]
    missing = await client.get(f"{BASE}/workers/charts", params=query | {"id": unknown})
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "not_found"


async def test_stale_figures_carry_a_warning(seeded):
    client, tree, _ = seeded
    answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/stats")
    assert answer.headers["warning"] == '110 - "figures are stale"'


async def test_every_telemetry_answer_says_how_old_it_is(seeded):
    client, tree, _ = seeded
    names = {name: getattr(tree, name).uid for name in ("pool", "operator", "alpha", "beta")}
    names |= {"rig": tree.alpha_workers[0].uid, "gift": tree.boundary.uid}
    telemetry = (Action.READ_TELEMETRY, Action.READ_POOL_STATS)
    paths = [route.path for route in ROUTES.values() if route.action in telemetry]
    for path in (*paths, "/pool/stats"):
        answer = await client.get(BASE + path.format(**names))
        assert answer.status_code == 200, answer.text
        assert answer.headers.get("x-as-of") == "2026-09-13T10:17:20Z", path
        assert answer.headers["warning"] == '110 - "figures are stale"'


async def test_fee_and_smallest_payout_are_plain_decimals(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await connection.execute("update pools set min_payout = 0.00000001")
        async with api_client(api_config(database_url)) as client:
            body = (await client.get(f"{BASE}/pool/stats")).json()
    assert (body["fee"], body["minpay"]) == ("0.009", "0.00000001")
    assert body["miners"] == len({tree.alpha, tree.beta})


async def test_counts_and_lists(seeded):
    client, tree, _ = seeded
    counts = await client.get(f"{BASE}/pools/{tree.pool.uid}/workers/stats")
    assert counts.json() == {"stable": 4, "unavailable": 0, "off": 0, "removed": 0}
    page = await client.get(f"{BASE}/miners/{tree.beta.uid}/workers")
    assert [item["name"] for item in page.json()["data"]] == ["gift", "solo"]
    assert page.json()["pagination"] == {"limit": 10, "offset": 0, "total_count": 2}


async def test_health_readiness_metrics(seeded):
    client, _, _ = seeded
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    assert "hashgauge_http_request_seconds" in (await client.get("/metrics")).text
