"""Windows of up to 1,000,000 workers, and how a cycle grows with their number."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.figures.cycle import Cycle
from aggregator.figures.forgotten import ForgottenWorkers
from aggregator.figures.publish.entity_totals import entity_figures
from aggregator.figures.publish.snapshot import changes
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.store import Dirty, RollupStore, open_rollups
from aggregator.figures.startup import rebuild
from aggregator.figures.windows.grid import WindowGrid
from aggregator.figures.worker_arrays import WorkerTable
from benchmarks.load.figures_data import (
    WORKERS_PER_MINER,
    add_figures,
    add_minute,
    database,
    lease_of,
    server,
)
from benchmarks.results import record

PLOT: Final = Path(__file__).with_name("figures_growth.png")
SIZES: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000)


class QueueOnly:
    """Rollups as TimescaleDB has them: the database makes them, outside of the cycle."""

    async def refresh(self, connection: AsyncConnection[Any], dirty: list[Dirty]) -> None:
        return None


def grid_of(workers: int) -> tuple[WindowGrid, WorkerTable]:
    """Windows in the middle of their life, all buckets in use; the next minute ends three hours."""
    grid, table = WindowGrid(29_500_000 // 180 * 180 - 1, workers), WorkerTable(workers)
    table.add_ids(np.arange(1, workers + 1, dtype=np.int32))
    table.columns.miner_id[:] = 2 + np.arange(workers) // WORKERS_PER_MINER
    table.columns.pool_id[:] = 1
    table.columns.status[:] = 0
    everyone = np.arange(workers)
    sums = np.full((2, workers), 65_536.0)
    for minute in range(grid.oldest_minute, grid.watermark):
        grid.fill_minute(minute, everyone, sums)
    for bucket in range(grid.day_bucket - 48, grid.day_bucket):
        grid.fill_day(bucket, everyone, 30 * sums)
    for bucket in range(grid.week_bucket - 56, grid.week_bucket):
        grid.fill_week(bucket, everyone, 180 * sums)
    grid.finalize(workers)
    return grid, table


def advance_and_snapshot(workers: int, rounds: int) -> tuple[float, float]:
    """Seconds to take a minute in and advance, and of that with the snapshot; best of `rounds`.

    The minute is the dearest of all: the sums of full buckets of day and week are made anew.
    """
    work = np.full(workers, 65_536.0)
    advances, both = [], []
    for _ in range(rounds):
        grid, table = grid_of(workers)
        everyone, columns = np.arange(workers), table.columns
        published = grid.totals(workers)
        began = time.perf_counter()
        grid.replace(grid.watermark, everyone, work, work)
        grid.advance(grid.watermark + 1)
        advances.append(time.perf_counter() - began)
        totals = grid.totals(workers)
        changes(columns, totals, published=published, columns_before=columns)
        entities = entity_figures(columns, totals, ForgottenWorkers())
        both.append(time.perf_counter() - began)
        expected = [[65_536.0 * span] * 2 for span in (15, 60, 1_440, 10_080)]
        assert totals[:, :, 0].tolist() == totals[:, :, -1].tolist() == expected
        assert entities.totals[0, 0, 0] == 65_536.0 * 15 * workers
    return min(advances), min(both)


def test_windows_of_a_million_workers(benchmark: Any) -> None:
    advance_s, both_s = benchmark.pedantic(lambda: advance_and_snapshot(1_000_000, 3), rounds=1)
    grid_bytes = WindowGrid(0).bytes_per_worker + WorkerTable().bytes_per_worker
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


async def cycle_times(workers: int, cycles: int) -> dict[str, float]:
    """Median seconds of a cycle in which every worker has a new minute, and of its windows."""
    parts: dict[str, list[float]] = {"windows": [], "cycle": []}
    with server() as started:
        async with database(started, workers=workers) as connection:
            lease = await lease_of(connection)
            rollups: RollupStore = QueueOnly()  # type: ignore[assignment]
            config = FiguresConfig(clock="records")
            cycle = Cycle(connection, lease=lease, rollups=rollups, config=config)
            await add_figures(connection, watermark=0)
            state = await rebuild(connection, await open_rollups(connection, Policies()))
            assert state is not None
            for minute in range(1 + cycles):
                await add_minute(connection, minute)
                began = time.perf_counter()
                report = await cycle.run(state)
                parts["cycle"].append(time.perf_counter() - began)
                assert report is not None
                assert report.rows_written == workers
    parts["windows"] = [advance_and_snapshot(workers, 2)[1]]
    return {name: float(np.median(times)) for name, times in parts.items()}


def test_growth(benchmark: Any) -> None:
    """A hundred times the workers: the ratio to linear growth, and the plot."""
    found = benchmark.pedantic(
        lambda: {size: asyncio.run(cycle_times(size, cycles=2)) for size in SIZES}, rounds=1
    )
    plot(found)
    for name in ("windows", "cycle"):
        growth = found[SIZES[-1]][name] / found[SIZES[0]][name]
        record(
            f"growth_{name}_10k_to_1m", growth / (SIZES[-1] / SIZES[0]), "ratio", "linear growth",
            ", ".join(f"{size:,}: {times[name]:.3f} s" for size, times in found.items())
            + ("" if name == "windows" else "; a cycle with a new minute of every worker, rollups "
               "left to the database as on TimescaleDB"),
        )  # fmt: skip


def plot(found: dict[int, dict[str, float]]) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    labels = {"cycle": "cycle, reading and writing included", "windows": "windows and sums alone"}
    for name, label in labels.items():
        axes.loglog(SIZES, [found[size][name] for size in SIZES], marker="o", label=label)
    first = found[SIZES[0]]["cycle"]
    axes.loglog(
        SIZES, [first * size / SIZES[0] for size in SIZES], "k:", linewidth=1, label="linear"
    )
    axes.set(xlabel="workers", ylabel="seconds", title="One minute of every worker")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=120)
    pyplot.close(figure)
