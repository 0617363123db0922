"""The API under load against a route that answers constant bytes after `SELECT 1`.

100,000 workers with a week of history (HASHGAUGE_BENCH_WORKERS says otherwise), 1,000,000 for the
sorted list. Ratios are medians of rounds in which both sides ran after each other.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx2
import psycopg
import pytest

from benchmarks.figures_data import add_week, database, server
from benchmarks.load_api import BASE, KEY, Load, served, wrk
from benchmarks.results import record
from deploy.local.postgres import EmbeddedPostgres

WORKERS: Final = int(os.environ.get("HASHGAUGE_BENCH_WORKERS", "100000"))
MANY: Final = int(os.environ.get("HASHGAUGE_BENCH_MANY_WORKERS", "1000000"))
ROUNDS: Final = 3
HEADERS: Final = {"X-Headframe-API-Key": KEY}
AGAINST: Final = "FastAPI route with SELECT 1 on the same pool"

_FIGURES: Final = """
update worker_figures set accepted_15m = 1e6 + (worker_id::int8 * 7919) % 999983,
    accepted_1h = 4e6 + worker_id % 1000, accepted_1d = 1e8, accepted_1w = 7e8, rejected_15m = 1000
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with server() as started:
        yield started


async def _fill(started: EmbeddedPostgres, workers: int, *, history: bool) -> str:
    """A database that stays; its address."""
    context = database(started, workers=workers)
    connection = await context.__aenter__()
    if history:
        await add_week(connection, complete_to=600)
    else:
        await connection.execute(
            "insert into worker_figures (worker_id, miner_id, status, status_since) "
            "select id, miner_id, 'stable', now() from workers"
        )
        await connection.execute(
            "insert into status_counts select 1, 'stable', count(*) from workers"
        )
        await connection.execute("update leader set stream_time = now(), complete_to = now()")
    await connection.execute(_FIGURES)
    await connection.execute("vacuum analyze worker_figures")
    name = connection.info.dbname
    await connection.close()
    return started.url(name)


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    return asyncio.run(_fill(postgres, WORKERS, history=True))


@pytest.fixture(scope="module")
def uids(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select uid::text from workers order by uid limit 5000")
        found = [row[0] for row in rows]
    random.Random(5).shuffle(found)
    return found


def _rounds(url: str, paths: Sequence[str]) -> tuple[float, list[Load]]:
    """Median ratio of the API's requests per second to the bare route's, and the API's loads."""
    ratios, loads = [], []
    with served("api", url) as api, served("select1", url) as bare:
        wrk(api, paths, seconds=2)
        wrk(bare, ["/"], seconds=2)
        for _ in range(ROUNDS):
            load = wrk(api, paths)
            ratios.append(load.requests_per_s / wrk(bare, ["/"]).requests_per_s)
            loads.append(load)
    return statistics.median(ratios), loads


def _client(address: str) -> httpx2.Client:
    return httpx2.Client(base_url=address, headers=HEADERS, timeout=30)


def _once(benchmark: Any, run: Any) -> Any:
    return benchmark.pedantic(run, rounds=1, iterations=1)


def test_stats_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/stats?id={uid}" for uid in uids]
    ratio, loads = _once(benchmark, lambda: _rounds(url, paths))
    note = f"workers/stats, one id of 5000 in turn, {WORKERS} workers, 50 connections"
    record("api_stats_vs_select1", ratio, "ratio", AGAINST, note)
    tail = statistics.median(load.p99_ms / load.p50_ms for load in loads)
    record("api_p99_over_median", tail, "ratio", "median latency", note)


def test_chart_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/charts?period=P1D&id={uid}" for uid in uids]
    ratio, _ = _once(benchmark, lambda: _rounds(url, paths))
    note = f"workers/charts P1D, one id of 5000 in turn, {WORKERS} workers"
    record("api_chart_vs_select1", ratio, "ratio", AGAINST, note)


def test_cached_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    with (
        served("api", url) as api,
        _client(api) as client,
    ):
        plain = [f"{BASE}/workers/charts?period=P1D&id={uid}" for uid in uids[:200]]
        paths = [f"{path} {client.get(path).headers['etag']}" for path in plain]
    ratio, _ = _once(benchmark, lambda: _rounds(url, paths))
    note = "workers/charts P1D with If-None-Match, 200 ids in turn"
    record("api_cached_vs_select1", ratio, "ratio", AGAINST, note)


def test_chart_of_100_ids_over_a_week(benchmark: Any, url: str, uids: list[str]) -> None:
    with (
        served("api", url) as api,
        _client(api) as client,
    ):

        def run() -> float:
            times = []
            for start in range(0, 1_000, 100):
                query = {"period": "P1W", "id": uids[start : start + 100]}
                began = time.perf_counter()
                answer = client.get(f"{BASE}/workers/charts", params=query)
                times.append(1_000 * (time.perf_counter() - began))
                assert len(answer.json()["data"]) == 100
            return statistics.median(times)

        took_ms = _once(benchmark, run)
    record("chart_100_ids_ms", took_ms, "ms", "", f"P1W, 16,800 points, {WORKERS} workers")


def test_sorted_list_of_a_million(benchmark: Any, postgres: EmbeddedPostgres) -> None:
    many = asyncio.run(_fill(postgres, MANY, history=False))
    with psycopg.connect(many) as connection:
        (pool,) = connection.execute("select uid from pools").fetchone() or ("",)
    path = f"{BASE}/pools/{pool}/workers"
    query = {"sort-by": "hash_rate_15m", "sort-direction": "desc"}
    with (
        served("api", many) as api,
        _client(api) as client,
    ):
        began = time.perf_counter()
        client.get(path, params=query)
        first_ms = 1_000 * (time.perf_counter() - began)

        def run() -> float:
            times = []
            for _ in range(20):
                started = time.perf_counter()
                answer = client.get(path, params=query)
                times.append(1_000 * (time.perf_counter() - started))
                assert answer.json()["pagination"]["total_count"] == MANY
            return statistics.median(times)

        took_ms = _once(benchmark, run)
    note = f"first page of {MANY} workers; {first_ms:.0f} ms for the very first, before the ranking"
    record("list_1m_sorted_ms", took_ms, "ms", "", note)
