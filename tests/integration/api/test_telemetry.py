"""Stats and charts over HTTP, compared with plain sums over the minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from query_api.auth.rights import Action
from schemas.units import format_hps
from schemas.windows import PERIODS, WINDOWS
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import WATERMARK, derive, seed_minutes, seed_tree
from tests.integration.api.route_table import ROUTES

END_S = int(WATERMARK.timestamp())


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


def cut(stats):
    """By id stats are whole hashes per second."""
    return {
        window: {name: rate.partition(".")[0] for name, rate in rates.items()}
        for window, rates in stats.items()
    }


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
        str(worker.uid): cut(expected_stats(rows_of(rows, worker.id)))
        for worker in tree.alpha_workers
    }
    assert answer.headers["x-as-of"] == "2026-09-13T10:17:20Z"
    operator = await client.get(f"{BASE}/operators/{tree.operator.uid}/stats")
    alpha = rows_of(rows, *(worker.id for worker in tree.alpha_workers))
    assert operator.json() == expected_stats(alpha)


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
async def test_rejects_are_those_of_the_window_of_the_stats(seeded, window):
    """Its oldest bucket counts by the whole minutes of it that are inside."""
    client, tree, _ = seeded
    (period,) = (each for each in PERIODS if each.span_s == window.span_s)
    query = {"period": period.period, "id": str(tree.alpha.uid)}
    answer = await client.get(f"{BASE}/miners/rejects", params=query)
    reasons = answer.json()[str(tree.alpha.uid)]
    first, width = END_S - window.span_s, window.bucket_s
    stale = 0.0
    for row in rows_of(seeded[2], *(worker.id for worker in tree.alpha_workers)):
        at = int(row["bucket"].timestamp())
        start = at - at % width
        if start + width > first and at < END_S:
            stale += row["rejected"] * (start + width - max(first, start)) / width
    assert abs(Decimal(reasons.pop("stale")) - Decimal(format_hps(stale, window.span_s))) <= 1
    assert set(reasons.values()) == {"0.00"}


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.period)
async def test_the_interval_that_is_not_over_stands_beside_the_points(seeded, period):
    client, tree, rows = seeded
    query = {"period": period.period, "running": "true"}
    answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/charts", params=query)
    plain = await client.get(
        f"{BASE}/pools/{tree.pool.uid}/charts", params={"period": period.period}
    )
    data = answer.json()["data"]
    running = data.pop("running")
    assert data == plain.json()["data"]
    to = END_S - END_S % period.interval_s
    if to == END_S:
        assert running is None
        return
    hardware = [row for row in rows if row["worker_id"] != tree.boundary.id]
    inside = [row for row in hardware if to <= row["bucket"].timestamp() < END_S]
    assert running == {
        "timestamp": to,
        "to": WATERMARK.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hashrate": format_hps(sum(row["accepted"] for row in inside), END_S - to),
        "rejectrate": format_hps(sum(row["rejected"] for row in inside), END_S - to),
    }


@pytest.mark.parametrize(("days", "interval"), [(21, "PT3H"), (100, "PT6H"), (200, "P1D")], ids=str)
@pytest.mark.parametrize("subject", ["pools", "miners", "workers"])
async def test_intervals_of_hours_and_days_that_are_not_over_are_whole_hours_and_minutes(
    seeded, days, interval, subject
):
    client, tree, rows = seeded
    uid = {"pools": tree.pool, "miners": tree.alpha, "workers": tree.alpha_workers[0]}[subject].uid
    path, query = (
        (f"/pools/{uid}/charts", {}) if subject == "pools" else (f"/{subject}/charts", {"id": uid})
    )
    query |= {"from": (WATERMARK - timedelta(days=days)).isoformat(), "running": "true"}
    answer = (await client.get(BASE + path, params=query)).json()
    assert answer["interval"] == interval
    data = answer["data"] if subject == "pools" else answer["data"][str(uid)]
    to = int(datetime.fromisoformat(answer["to"]).timestamp())
    assert to == data["points"][-1]["timestamp"] + (
        data["points"][1]["timestamp"] - data["points"][0]["timestamp"]
    )
    theirs = {
        "pools": {worker.id for worker in (*tree.alpha_workers, *tree.beta_workers)},
        "miners": {worker.id for worker in tree.alpha_workers},
        "workers": {tree.alpha_workers[0].id},
    }[subject]
    inside = [
        row
        for row in rows
        if row["worker_id"] in theirs and to <= row["bucket"].timestamp() < END_S
    ]
    assert inside, "the seed has work in it"
    assert data["running"] == {
        "timestamp": to,
        "to": WATERMARK.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hashrate": format_hps(sum(row["accepted"] for row in inside), END_S - to),
        "rejectrate": format_hps(sum(row["rejected"] for row in inside), END_S - to),
    }


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
        await connection.execute(
            "update pools set min_payout = 0.00000001, min_payout_published = true"
        )
        async with api_client(api_config(database_url)) as client:
            body = (await client.get(f"{BASE}/pool/stats")).json()
    assert (body["fee"], body["minpay"]) == (None, "0.00000001")
    assert body["miners"] == len({tree.alpha, tree.beta})


async def test_counts_and_lists(seeded):
    client, tree, _ = seeded
    counts = await client.get(f"{BASE}/pools/{tree.pool.uid}/workers/stats")
    assert counts.json() == {"stable": 5, "unavailable": 0, "off": 0, "removed": 0}
    page = await client.get(f"{BASE}/miners/{tree.beta.uid}/workers")
    assert [item["name"] for item in page.json()["data"]] == ["gift", "solo"]
    assert page.json()["pagination"] == {"limit": 10, "offset": 0, "total_count": 2}


async def test_health_readiness_metrics(seeded):
    client, _, _ = seeded
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    assert "hashgauge_http_request_seconds" in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("first_bucket", "kept", "began"),
    [
        ("2026-09-13T07:00Z", True, "2026-09-13T07:00:00Z"),
        ("2026-09-13T07:00Z", False, "2026-09-13T10:00:00Z"),
        ("2026-09-11T07:00Z", True, "2026-09-11T00:00:00Z"),
        ("2026-09-11T07:00Z", False, "2026-09-11T00:00:00Z"),
        ("2026-09-13T11:00Z", True, "2026-09-13T10:00:00Z"),
    ],
)
async def test_a_pool_began_with_its_first_shares(database_url, first_bucket, kept, began):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await connection.execute("update pools set created_at = '2026-09-13T10:00Z'")
        await connection.execute(
            "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count,"
            " rejected_count, accepted, rejected, last_share_at)"
            " select $1::text::timestamptz, id, miner_id, 1, 0, 1, 0, $1::text::timestamptz"
            " from workers where id = $2",
            first_bucket,
            tree.alpha_workers[0].id,
        )
        await derive(connection)
        if not kept:
            await connection.execute("delete from entity_minutes")
        async with api_client(api_config(database_url)) as client:
            answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/overview")
    assert answer.json()["since"] == began
