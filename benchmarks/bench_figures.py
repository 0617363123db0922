"""The figures leader: windows and beats at scale, a restart.

`make bench` runs it (about ten minutes, most of it making the databases; 5 GB of disk for the
restart). Times of the leader are absolute, on a durable embedded PostgreSQL.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from psycopg import AsyncConnection

from aggregator.figures import current
from aggregator.figures.beat import Beat
from aggregator.figures.config import FiguresConfig
from aggregator.figures.current import changed_slots
from aggregator.figures.entities import entity_figures
from aggregator.figures.lease import Lease
from aggregator.figures.policies import Policies
from aggregator.figures.rebuild import rebuild
from aggregator.figures.rollups import RollupStore, Touched, open_rollups
from aggregator.figures.slots import SlotTable
from aggregator.figures.windows import WindowGrid
from benchmarks.figures_data import (
    WORKERS_PER_MINER,
    add_figures,
    add_minute,
    add_week,
    database,
    server,
)
from benchmarks.results import record

PLOT: Final = Path(__file__).with_name("figures_growth.png")
SIZES: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000)


class QueueOnly:
    """Rollups as TimescaleDB has them: the database makes them, outside of the beat."""

    async def refresh(self, connection: AsyncConnection[Any], touched: list[Touched]) -> None:
        return None


def grid_of(workers: int) -> tuple[WindowGrid, SlotTable]:
    """Windows in the middle of their life, all buckets in use; the next minute ends three hours."""
    grid, slots = WindowGrid(29_500_000 // 180 * 180 - 1, workers), SlotTable(workers)
    slots.add_ids(np.arange(1, workers + 1, dtype=np.int32))
    slots.columns.miner_id[:] = 2 + np.arange(workers) // WORKERS_PER_MINER
    slots.columns.pool_id[:] = 1
    slots.columns.status[:] = 0
    everyone = np.arange(workers)
    sums = np.full((2, workers), 65_536.0)
    for minute in range(grid.oldest_minute, grid.complete_to):
        grid.fill_minute(minute, everyone, sums)
    for bucket in range(grid.day_bucket - 48, grid.day_bucket):
        grid.fill_day(bucket, everyone, 30 * sums)
    for bucket in range(grid.week_bucket - 56, grid.week_bucket):
        grid.fill_week(bucket, everyone, 180 * sums)
    grid.settle(workers)
    return grid, slots


def advance_and_snapshot(workers: int, rounds: int) -> tuple[float, float]:
    """Seconds to take a minute in and advance, and of that with the snapshot; best of `rounds`.

    The minute is the dearest of all: the sums of full buckets of day and week are made anew.
    """
    work = np.full(workers, 65_536.0)
    advances, both = [], []
    for _ in range(rounds):
        grid, slots = grid_of(workers)
        everyone, columns = np.arange(workers), slots.columns
        published = grid.totals(workers)
        began = time.perf_counter()
        grid.replace(grid.complete_to, everyone, work, work)
        grid.advance(grid.complete_to + 1)
        advances.append(time.perf_counter() - began)
        totals = grid.totals(workers)
        changed_slots(columns, totals, published=published, columns_before=columns)
        entities = entity_figures(columns, totals, columns.status)
        both.append(time.perf_counter() - began)
        expected = [[65_536.0 * span] * 2 for span in (15, 60, 1_440, 10_080)]
        assert totals[:, :, 0].tolist() == totals[:, :, -1].tolist() == expected
        assert entities.totals[0, 0, 0] == 65_536.0 * 15 * workers
    return min(advances), min(both)


def test_windows_of_a_million_workers(benchmark: Any) -> None:
    advance_s, both_s = benchmark.pedantic(lambda: advance_and_snapshot(1_000_000, 3), rounds=1)
    grid_bytes = WindowGrid(0).bytes_per_slot + SlotTable().bytes_per_slot
    record(
        "advance_1m_s", advance_s, "s", "",
        "take one minute of 1,000,000 workers in and advance all windows; best of 3, at the end "
        "of three hours",
    )  # fmt: skip
    record(
        "snapshot_1m_s", both_s, "s", "",
        "the same, with all eight sums of every worker, miner, operator and pool, and who changed, "
        f"at the dearest minute of all; {grid_bytes} bytes a worker in rings and columns",
    )  # fmt: skip


async def restore(workers: int) -> float:
    with server() as started:
        async with database(started, workers=workers) as connection:
            await add_week(connection, complete_to=607)
            rollups = await open_rollups(connection, Policies())
            began = time.perf_counter()
            state = await rebuild(connection, rollups)
            took_s = time.perf_counter() - began
    assert state is not None
    totals = state.grid.totals(state.slots.count)[:, 0]
    spans_min = np.array((15, 60, 1_440, 10_080))
    np.testing.assert_allclose(totals, np.tile(200_000.0 * spans_min[:, None], workers))
    return took_s


def test_restart_of_a_hundred_thousand_workers(benchmark: Any) -> None:
    took_s = benchmark.pedantic(lambda: asyncio.run(restore(100_000)), rounds=1)
    record(
        "restore_100k_s", took_s, "s", "",
        "windows and statuses of 100,000 workers with a full week, from plain PostgreSQL",
    )  # fmt: skip


async def beat_times(workers: int, beats: int) -> dict[str, float]:
    """Median seconds of a beat in which every worker has a new minute, and of its windows alone."""
    parts: dict[str, list[float]] = {"windows": [], "beat": []}
    with server() as started:
        async with database(started, workers=workers) as connection:
            lease = Lease("bench", lease_s=-3_600.0)
            assert await lease.acquire(connection)
            await current.prepare(connection)
            rollups: RollupStore = QueueOnly()  # type: ignore[assignment]
            config = FiguresConfig(clock="records")
            beat = Beat(connection, lease=lease, rollups=rollups, config=config)
            await add_figures(connection, complete_to=0)
            state = await rebuild(connection, await open_rollups(connection, Policies()))
            assert state is not None
            for minute in range(1 + beats):
                await add_minute(connection, minute)
                began = time.perf_counter()
                report = await beat.run(state)
                parts["beat"].append(time.perf_counter() - began)
                assert report is not None
                assert report.rows_written == workers
    parts["windows"] = [advance_and_snapshot(workers, 2)[1]]
    return {name: float(np.median(times)) for name, times in parts.items()}


def test_growth(benchmark: Any) -> None:
    """A hundred times the workers: the ratio to linear growth, and the plot."""
    found = benchmark.pedantic(
        lambda: {size: asyncio.run(beat_times(size, beats=2)) for size in SIZES}, rounds=1
    )
    plot(found)
    for name in ("windows", "beat"):
        growth = found[SIZES[-1]][name] / found[SIZES[0]][name]
        record(
            f"growth_{name}_10k_to_1m", growth / (SIZES[-1] / SIZES[0]), "ratio", "linear growth",
            ", ".join(f"{size:,}: {times[name]:.3f} s" for size, times in found.items())
            + ("" if name == "windows" else "; a beat with a new minute of every worker, rollups "
               "left to the database as on TimescaleDB"),
        )  # fmt: skip


def plot(found: dict[int, dict[str, float]]) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    labels = {"beat": "beat, reading and writing included", "windows": "windows and sums alone"}
    for name, label in labels.items():
        axes.loglog(SIZES, [found[size][name] for size in SIZES], marker="o", label=label)
    first = found[SIZES[0]]["beat"]
    axes.loglog(
        SIZES, [first * size / SIZES[0] for size in SIZES], "k:", linewidth=1, label="linear"
    )
    axes.set(xlabel="workers", ylabel="seconds", title="One minute of every worker")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=120)
    pyplot.close(figure)


async def day_of_beats(workers: int, beats: int) -> dict[str, Any]:
    """Sizes of `worker_figures` before and after a day in which every beat changes every row."""
    sizes: dict[str, Any] = {}
    with server() as started:
        async with database(started, workers=workers) as connection:
            await current.prepare(connection)
            await add_figures(connection, complete_to=0)
            state = await rebuild(connection, await open_rollups(connection, Policies()))
            assert state is not None
            columns, everyone = state.slots.columns, np.arange(workers)
            sizes["before"] = await figures_size(connection)
            for number in range(beats):
                totals = np.full((4, 2, workers), float(number))
                entities = entity_figures(columns, totals, columns.status)
                snapshot = current.Snapshot(totals, everyone, entities)
                await current.stage(connection, columns, snapshot)
                async with connection.transaction():
                    await current.write(connection)
            sizes["after"] = await figures_size(connection)
            await asyncio.sleep(1)  # statistics are sent on when a session has been idle
            cursor = await connection.execute(
                "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
                "where relname = 'worker_figures'"
            )
            sizes["updates"], sizes["hot"] = await cursor.fetchone() or (0, 0)
    return sizes


async def figures_size(connection: AsyncConnection[Any]) -> tuple[int, int]:
    """Bytes of table and indexes."""
    cursor = await connection.execute(
        "select pg_table_size('worker_figures'), pg_indexes_size('worker_figures')"
    )
    table, indexes = await cursor.fetchone() or (0, 0)
    return table, indexes


def test_current_figures_do_not_bloat(benchmark: Any) -> None:
    workers, beats = 2_000, 1_440 * 4
    sizes = benchmark.pedantic(lambda: asyncio.run(day_of_beats(workers, beats)), rounds=1)
    growth = sum(sizes["after"]) / sum(sizes["before"])
    record(
        "figures_bloat_day", growth, "ratio", "size of worker_figures with its indexes before",
        f"{beats} beats that write all {workers:,} workers: table "
        f"{sizes['before'][0] // 1024} → {sizes['after'][0] // 1024} KB, indexes "
        f"{sizes['before'][1] // 1024} → {sizes['after'][1] // 1024} KB, "
        f"{100 * sizes['hot'] / max(1, sizes['updates']):.1f} % of the updates in place",
    )  # fmt: skip
