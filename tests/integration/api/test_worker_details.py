"""One worker: its best share, its shares as counts, and how it does beside its own week."""

from __future__ import annotations

import math
from datetime import timedelta

from schemas.units import format_hps
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import (
    STREAM_TIME,
    WATERMARK,
    close_rollups,
    seed_minutes,
    seed_tree,
    set_figures_version,
)


async def test_a_worker_has_its_best_share_and_its_software(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        known, unknown = tree.alpha_workers[:2]
        await connection.execute(
            "insert into worker_details values ($1, 12712.5, '2026-09-12', 'bitaxe', '2026-09-13')",
            known.id,
        )
        async with api_client(api_config(database_url)) as client:
            item = (await client.get(f"{BASE}/workers/{known.uid}")).json()
            other = (await client.get(f"{BASE}/workers/{unknown.uid}")).json()
    assert item["hardware"] == {
        "best_difficulty": 12712.5,
        "best_difficulty_at": "2026-09-12T00:00:00Z",
        "agent": "bitaxe",
    }
    assert set(other["hardware"].values()) == {None}


async def test_a_worker_has_its_shares_as_counts(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection)
        worker = tree.alpha_workers[0]
        await connection.execute(
            "insert into events (event_id, kind, at, worker_id, transition_number, to_status,"
            " cause) select gen_random_uuid(), 'worker-status-changed', $2::timestamptz - back,"
            " $1, number, status, 'share' from (values (interval '4 hours', 1, 'stable'),"
            " (interval '1 hour', 2, 'unavailable')) as t (back, number, status)",
            worker.id,
            STREAM_TIME,
        )
        minutes = await connection.fetch(
            "select bucket, accepted_count, rejected_count from worker_minutes"
            " where worker_id = $1 and bucket < $2",
            worker.id,
            WATERMARK,
        )
        async with api_client(api_config(database_url)) as client:
            item = (await client.get(f"{BASE}/workers/{worker.uid}")).json()
    for name, span_s in (("15m", 900), ("1h", 3600)):
        inside = [row for row in minutes if row["bucket"] >= WATERMARK - timedelta(seconds=span_s)]
        accepted = sum(row["accepted_count"] for row in inside)
        rejected = sum(row["rejected_count"] for row in inside)
        per_minute = round(60 * (accepted + rejected) / span_s, 3)
        assert item["shares"][name] == {
            "accepted": accepted,
            "rejected": rejected,
            "per_minute": per_minute,
        }
    week = [row for row in minutes if row["bucket"] >= WATERMARK - timedelta(days=7)]
    # The oldest bucket of three hours counts in part.
    assert abs(item["shares"]["1w"]["accepted"] - len(week)) <= 180
    assert item["shares"]["1w"]["accepted"] > 1_000
    assert item["uptime"] == 0.75


async def test_a_worker_far_below_its_own_week_is_low(database_url):
    """About 514 shares an hour in the week; 20 in the last hour of one, 500 of the other."""
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await set_figures_version(connection)
        low, fine, young = tree.alpha_workers
        begun = WATERMARK - timedelta(days=30)
        await connection.execute("update workers set created_at = $1", begun)
        await connection.execute(
            "update workers set created_at = $2 where id = $1", young.id, WATERMARK
        )
        for worker, last_hour in ((low, 20), (fine, 500), (young, 20)):
            await connection.execute(
                "insert into worker_figures (worker_id, miner_id, status, status_since,"
                " last_share_at, accepted_15m, rejected_15m, accepted_1h, rejected_1h, accepted_1d,"
                " rejected_1d, accepted_1w, rejected_1w) values ($1, $2, 'stable', $3, $3, 0, 0,"
                " $4, 0, 0, 0, $5, 0)",
                *(worker.id, tree.alpha.id, WATERMARK, last_hour * 8.0, 514 * 168 * 8.0),
            )
            await connection.execute(
                "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count,"
                " rejected_count, accepted, rejected, last_share_at)"
                " values ($1, $2, $3, 10, 0, 80, 0, $1)",
                *(WATERMARK - timedelta(hours=3), worker.id, tree.alpha.id),
            )
        await close_rollups(connection)
        async with api_client(api_config(database_url)) as client:
            listed = (await client.get(f"{BASE}/miners/{tree.alpha.uid}/workers")).json()["data"]
            alone = (await client.get(f"{BASE}/workers/{low.uid}")).json()
            gift = (await client.get(f"{BASE}/workers/{tree.boundary.uid}")).json()
    normals = {item["id"]: item["normal"] for item in listed}
    assert normals[str(low.uid)] == alone["normal"]
    assert alone["normal"] == {
        "window": "1h",
        "effective": format_hps(160.0, 3600),
        "error": round(1 / math.sqrt(20), 6),
        "expected": f"{514 * 8 * 2**32 / 3600:.2f}",
        "low": True,
    }
    assert normals[str(fine.uid)]["low"] is False
    assert (normals[str(young.uid)]["low"], normals[str(young.uid)]["expected"]) == (None, None)
    assert set(gift["normal"].values()) == {None}
