"""The figures leader at work: a cycle step by step, a restart, a day of updates.

Times are absolute, on a durable embedded PostgreSQL.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
from psycopg import AsyncConnection

from aggregator.figures import cycle as cycle_module
from aggregator.figures import ring_buckets
from aggregator.figures.config import FiguresConfig
from aggregator.figures.cycle import Cycle
from aggregator.figures.forgotten import ForgottenWorkers
from aggregator.figures.publish import snapshot as published
from aggregator.figures.publish.entity_totals import entity_figures
from aggregator.figures.publish.snapshot import Changed, Snapshot
from aggregator.figures.rollups.plain import PlainRollups
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.store import open_rollups
from aggregator.figures.startup import rebuild
from aggregator.figures.state import FiguresState
from aggregator.figures.windows.grid import WindowGrid
from benchmarks.load.figures_data import (
    add_figures,
    add_flushed,
    add_hour,
    add_week,
    at,
    database,
    lease_of,
    server,
)
from benchmarks.results import record

WATERMARK: Final = 607
WORK: Final = 200_000.0
"""Accepted by every worker in every minute of the week."""


async def restore(workers: int, *, kept: bool) -> float:
    """Seconds from nothing to windows of a full week, with the rings' closed buckets as a leader
    keeps them, or with rollups alone."""
    with server() as started:
        async with database(started, workers=workers) as connection:
            if kept:
                await add_hour(connection, watermark=WATERMARK)
                await add_kept_buckets(connection, workers)
            else:
                await add_week(connection, watermark=WATERMARK)
            rollups = await open_rollups(connection, Policies())
            began = time.perf_counter()
            state = await rebuild(connection, rollups)
            took_s = time.perf_counter() - began
    assert state is not None
    totals = state.grid.totals(state.workers.count)[:, 0]
    spans_min = np.array((15, 60, 1_440, 10_080))
    np.testing.assert_allclose(totals, np.tile(WORK * spans_min[:, None], workers))
    return took_s


async def add_kept_buckets(connection: AsyncConnection[Any], workers: int) -> None:
    """A week of them, stored by the leader's own function."""
    lease = await lease_of(connection)
    state = FiguresState(WindowGrid(int(at(WATERMARK).timestamp()) // 60))
    everyone = state.workers.add_ids(np.arange(1, workers + 1, dtype=np.int32))
    state.grid.reserve(workers)
    for width, number in ring_buckets.beyond_finer_rings(state.grid):
        sums = np.broadcast_to([[width * WORK], [0.0]], (2, workers))
        fill = state.grid.fill_day if width == 30 else state.grid.fill_week
        fill(number, slice(0, len(everyone)), sums)
    await ring_buckets.keep(connection, lease, state, at_most=1_000)


def test_restart_of_a_hundred_thousand_workers(benchmark: Any) -> None:
    took_s = benchmark.pedantic(lambda: asyncio.run(restore(100_000, kept=False)), rounds=1)
    record(
        "restore_100k_s", took_s, "s", "",
        "windows and statuses of 100,000 workers with a full week, from the rollups of plain "
        "PostgreSQL alone",
    )  # fmt: skip


def test_restart_of_a_million_workers(benchmark: Any) -> None:
    took_s = benchmark.pedantic(lambda: asyncio.run(restore(1_000_000, kept=True)), rounds=1)
    record(
        "restore_1m_s", took_s, "s", "",
        "windows and statuses of 1,000,000 workers with a full week, from plain PostgreSQL and the "
        "buckets that the leader before has kept",
    )  # fmt: skip


STEPS: Final = (
    ("merge", cycle_module, "merge_flushed"),
    ("read", Cycle, "_read"),
    ("compute", Cycle, "_compute"),
    ("stage", published, "stage"),
    ("stage", cycle_module, "stage_entity_minutes"),
    ("write figures", published, "write"),
    ("write entity minutes", cycle_module, "write_staged_minutes"),
    ("rollups", PlainRollups, "refresh"),
)
"""What a cycle is made of: its name in the table, and where the function is found."""


def timed(seconds: dict[str, float], name: str, function: Any) -> Any:
    """`function`, whose time is added up under `name`."""
    if not asyncio.iscoroutinefunction(function):

        def plain(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            result = function(*arguments, **named)
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
            return result

        return plain

    async def awaited(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        result = await function(*arguments, **named)
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
        return result

    return awaited


async def wal_position(connection: AsyncConnection[Any]) -> int:
    cursor = await connection.execute("select (pg_current_wal_insert_lsn() - '0/0')::int8")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


def processor_s(connection: AsyncConnection[Any]) -> float:
    """Processor time of this process and of its database session: others hardly touch it."""
    stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def whole_cycles(workers: int, cycles: int) -> dict[str, Any]:
    """Cycles over new minutes, 1.5 flushed rows a worker: merge and rollups are in them."""
    found: dict[str, Any] = {"steps": [], "cycle": [], "wal": [], "cpu": []}
    with server() as started:
        async with database(started, workers=workers) as connection:
            lease = await lease_of(connection)
            rollups = await open_rollups(connection, Policies())
            await add_figures(connection, watermark=0)
            began = time.perf_counter()
            state = await rebuild(connection, rollups)
            found["restore"] = time.perf_counter() - began
            assert state is not None
            cycle = Cycle(
                connection, lease=lease, rollups=rollups, config=FiguresConfig(clock="records")
            )
            for minute in range(1 + cycles):
                await add_flushed(connection, minute)
                steps: dict[str, float] = {}
                with ExitStack() as patches:
                    for name, owner, attribute in STEPS:
                        function = timed(steps, name, getattr(owner, attribute))
                        patches.enter_context(mock.patch.object(owner, attribute, function))
                    wal, cpu_s = await wal_position(connection), processor_s(connection)
                    began = time.perf_counter()
                    report = await cycle.run(state)
                    found["cycle"].append(time.perf_counter() - began)
                    found["cpu"].append(processor_s(connection) - cpu_s)
                    found["wal"].append((await wal_position(connection) - wal) / 1e6)
                found["steps"].append(steps)
                assert report is not None
                assert report.rows_written == workers
            cursor = await connection.execute(
                "select sum(accepted_count), count(*) from worker_minutes"
            )
            minutes = 1 + cycles
            assert await cursor.fetchone() == (7 * workers // 2 * minutes, workers * minutes)
    found["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return found


def record_cycle(size: str, workers: int, found: dict[str, Any]) -> int:
    """The table of steps: of the best cycle but the first, which warms up. Which one that is."""
    best = 1 + int(np.argmin(found["cycle"][1:]))
    steps = ", ".join(f"{name} {took:.2f} s" for name, took in found["steps"][best].items())
    cpu_s = found["cpu"][best]
    record(
        f"cycle_{size}_s", found["cycle"][best], "s", "",
        f"a whole cycle over a new minute of {workers:,} workers, merge and rollups included, on "
        f"plain PostgreSQL: {steps}; processor time of leader and session {cpu_s:.2f} s",
    )  # fmt: skip
    return best


def test_cycle_of_a_hundred_thousand_workers(benchmark: Any) -> None:
    workers = 100_000
    found = benchmark.pedantic(lambda: asyncio.run(whole_cycles(workers, 4)), rounds=1)
    record_cycle("100k", workers, found)


def test_cycle_of_a_million_workers(benchmark: Any) -> None:
    workers = 1_000_000
    found = benchmark.pedantic(lambda: asyncio.run(whole_cycles(workers, 2)), rounds=1)
    best = record_cycle("1m", workers, found)
    record("wal_1m_mb", found["wal"][best], "MB", "", "write-ahead log of the same cycle")
    record(
        "aggregator_1m_gb", found["peak_gb"], "GB", "",
        "most memory of the process in those cycles, windows of two hours in use",
    )  # fmt: skip


async def day_of_cycles(workers: int, cycles: int) -> dict[str, Any]:
    """Sizes of the workers' figures before and after a day of cycles that change all of them."""
    sizes: dict[str, Any] = {}
    with server() as started:
        async with database(started, workers=workers) as connection:
            await published.prepare(connection)
            await add_figures(connection, watermark=0)
            state = await rebuild(connection, await open_rollups(connection, Policies()))
            assert state is not None
            columns, everyone = state.workers.columns, np.arange(workers)
            sizes["before"] = await figures_size(connection)
            for number in range(cycles):
                totals = np.full((4, 2, workers), float(number))
                entities = entity_figures(columns, totals, ForgottenWorkers())
                changed = Changed(everyone, everyone[:0], np.zeros(0, np.bool_))
                snapshot = Snapshot(totals, changed, entities)
                await published.stage(connection, columns, snapshot)
                async with connection.transaction():
                    await published.write(connection)
            sizes["after"] = await figures_size(connection)
            await asyncio.sleep(1)  # statistics are sent on when a session has been idle
            cursor = await connection.execute(
                "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
                "where relname = 'window_blocks'"
            )
            sizes["updates"], sizes["hot"] = await cursor.fetchone() or (0, 0)
    return sizes


async def figures_size(connection: AsyncConnection[Any]) -> tuple[int, int]:
    """Bytes of table and indexes."""
    cursor = await connection.execute(
        "select sum(pg_table_size(relid))::int8, sum(pg_indexes_size(relid))::int8 "
        "from pg_stat_user_tables where relname in ('worker_statuses', 'window_blocks')"
    )
    table, indexes = await cursor.fetchone() or (0, 0)
    return table, indexes


def test_current_figures_do_not_bloat(benchmark: Any) -> None:
    workers, cycles = 2_000, 1_440 * 4
    sizes = benchmark.pedantic(lambda: asyncio.run(day_of_cycles(workers, cycles)), rounds=1)
    growth = sum(sizes["after"]) / sum(sizes["before"])
    record(
        "figures_bloat_day", growth, "ratio", "worker_statuses and window_blocks before",
        f"{cycles} cycles that write all {workers:,} workers: table "
        f"{sizes['before'][0] // 1024} → {sizes['after'][0] // 1024} KB, indexes "
        f"{sizes['before'][1] // 1024} → {sizes['after'][1] // 1024} KB, "
        f"{100 * sizes['hot'] / max(1, sizes['updates']):.1f} % of the updates in place",
    )  # fmt: skip
