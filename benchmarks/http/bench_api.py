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

from benchmarks.load.api_load import BASE, KEY, Load, served, wrk
from benchmarks.load.figures_data import add_week, database, server
from benchmarks.load.leader_load import leader_at_work
from benchmarks.results import record
from deploy.local.postgres import EmbeddedPostgres

WORKERS: Final = int(os.environ.get("HASHGAUGE_BENCH_WORKERS", "100000"))
MANY: Final = int(os.environ.get("HASHGAUGE_BENCH_MANY_WORKERS", "1000000"))
ROUNDS: Final = 3
HEADERS: Final = {"X-Headframe-API-Key": KEY}
AGAINST: Final = "FastAPI route with SELECT 1 on the same pool"

_FIGURES: Final = """
insert into window_blocks (block, cells)
select worker_id >> 4, array_agg(cell order by worker_id, place)
from generate_series(0, (select max(worker_id) | 15 from worker_statuses)) as worker_id
cross join lateral unnest(array[
    1e6 + (worker_id::int8 * 7919) % 999983, 1000, 4e6 + worker_id % 1000, 0, 1e8, 0, 7e8, 0, 0, 0
]) with ordinality as cells (cell, place)
group by 1
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
        await add_week(connection, watermark=600)
    else:
        await connection.execute(
            "insert into worker_statuses (worker_id, miner_id, status, status_since) "
            "select id, miner_id, 'stable', now() from workers"
        )
        await connection.execute(
            "insert into status_counts select 1, 'stable', count(*) from workers"
        )
        await connection.execute("update leader set stream_time = now(), watermark = now()")
    await connection.execute(_FIGURES)
    await connection.execute("vacuum analyze worker_statuses, window_blocks")
    name = connection.info.dbname
    await connection.close()
    return started.url(name)


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    return asyncio.run(_fill(postgres, WORKERS, history=True))


@pytest.fixture(scope="module")
def uids(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = [row[0] for row in connection.execute("select uid::text from workers order by uid")]
    random.Random(5).shuffle(found)
    return found


def _rounds(url: str, turns: Sequence[Sequence[str]]) -> tuple[float, list[Load]]:
    """Median ratio of the API's requests per second to the bare route's, and the API's loads.

    `turns` has the paths of each round, after those to warm up with.
    """
    ratios, loads = [], []
    warming, *rounds = turns
    with served("api", url) as api, served("select1", url) as bare:
        wrk(api, warming, seconds=2)
        wrk(bare, ["/"], seconds=2)
        for paths in rounds:
            load = wrk(api, paths)
            ratios.append(load.requests_per_s / wrk(bare, ["/"]).requests_per_s)
            loads.append(load)
    return statistics.median(ratios), loads


def _repeated(paths: Sequence[str]) -> Sequence[Sequence[str]]:
    """The same in each round: after the first turn answers come from memory."""
    return [paths] * (ROUNDS + 1)


def _once_each(paths: Sequence[str]) -> Sequence[Sequence[str]]:
    """Different ones in each round, more than it gets through: nothing comes from memory."""
    return [paths[turn :: ROUNDS + 1] for turn in range(ROUNDS + 1)]


def _client(address: str) -> httpx2.Client:
    return httpx2.Client(base_url=address, headers=HEADERS, timeout=30)


def _once(benchmark: Any, run: Any) -> Any:
    return benchmark.pedantic(run, rounds=1, iterations=1)


def test_stats_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/stats?id={uid}" for uid in uids[:5000]]
    ratio, loads = _once(benchmark, lambda: _rounds(url, _repeated(paths)))
    note = f"workers/stats, one id of 5000 in turn, {WORKERS} workers, 50 connections"
    record("api_stats_vs_select1", ratio, "ratio", AGAINST, note)
    tail = statistics.median(load.p99_ms / load.p50_ms for load in loads)
    record("api_p99_over_median", tail, "ratio", "median latency", note)


def test_stats_not_in_memory_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/stats?id={uid}" for uid in uids]
    ratio, _ = _once(benchmark, lambda: _rounds(url, _once_each(paths)))
    note = f"workers/stats, each id once, {WORKERS} workers, 50 connections"
    record("api_stats_once_vs_select1", ratio, "ratio", AGAINST, note)


def test_chart_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/charts?period=P1D&id={uid}" for uid in uids]
    ratio, _ = _once(benchmark, lambda: _rounds(url, _once_each(paths)))
    note = f"workers/charts P1D, each id once, {WORKERS} workers, 50 connections"
    record("api_chart_vs_select1", ratio, "ratio", AGAINST, note)


def test_cached_against_select1(benchmark: Any, url: str, uids: list[str]) -> None:
    with (
        served("api", url) as api,
        _client(api) as client,
    ):
        plain = [f"{BASE}/workers/charts?period=P1D&id={uid}" for uid in uids[:200]]
        paths = [f"{path} {client.get(path).headers['etag']}" for path in plain]
    ratio, _ = _once(benchmark, lambda: _rounds(url, _repeated(paths)))
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


def test_stats_beside_the_leader(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/stats?id={uid}" for uid in uids[:5000]]
    with leader_at_work(url):
        ratio, loads = _once(benchmark, lambda: _rounds(url, _repeated(paths)))
    tail = statistics.median(load.p99_ms / load.p50_ms for load in loads)
    note = (
        f"workers/stats, one id of 5000 in turn, {WORKERS} workers, a cycle of the leader every "
        f"five seconds on the same machine; p99 {tail:.1f} times the median"
    )
    record("api_stats_beside_leader_vs_select1", ratio, "ratio", AGAINST, note)


def test_chart_beside_the_leader(benchmark: Any, url: str, uids: list[str]) -> None:
    paths = [f"{BASE}/workers/charts?period=P1D&id={uid}" for uid in uids]
    with leader_at_work(url):
        ratio, _ = _once(benchmark, lambda: _rounds(url, _once_each(paths)))
    note = (
        f"workers/charts P1D, each id once, {WORKERS} workers, a cycle of the leader every five "
        "seconds on the same machine"
    )
    record("api_chart_beside_leader_vs_select1", ratio, "ratio", AGAINST, note)


@pytest.fixture(scope="module")
def pool_path(many_url: str) -> str:
    with psycopg.connect(many_url) as connection:
        (pool,) = connection.execute("select uid from pools").fetchone() or ("",)
    return f"{BASE}/pools/{pool}/workers"


@pytest.fixture(scope="module")
def many_url(postgres: EmbeddedPostgres) -> str:
    return asyncio.run(_fill(postgres, MANY, history=False))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("list_1m_sorted_ms", {"sort-by": "hash_rate_15m", "sort-direction": "desc"}),
        ("list_1m_default_ms", {}),
        ("list_1m_deep_ms", {"offset": 9 * MANY // 10}),
        ("list_1m_search_ms", {"search": "RIG77"}),
    ],
)
def test_list_of_a_million(
    benchmark: Any, many_url: str, pool_path: str, name: str, query: dict[str, Any]
) -> None:
    with (
        served("api", many_url) as api,
        _client(api) as client,
    ):

        def get() -> float:
            started = time.perf_counter()
            answer = client.get(pool_path, params=query)
            took_ms = 1_000 * (time.perf_counter() - started)
            assert len(answer.json()["data"]) == 10
            found = answer.json()["pagination"]["total_count"]
            assert found < MANY if "search" in query else found == MANY
            return took_ms

        first_ms = get()
        took_ms = _once(benchmark, lambda: statistics.median(get() for _ in range(20)))
    note = f"a page of {MANY} workers; {first_ms:.0f} ms for the very first, before the ranking"
    record(name, took_ms, "ms", "", note)
