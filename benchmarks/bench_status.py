"""Counting workers by status, and one status sweep, for a pool of 1,000,000 workers.

`python -m benchmarks.bench_status` fills a database of its own, answers "how many workers are in
each status" from `status_counts` as the API does, and the naive way from a million rows beside it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psycopg

from aggregator.figures.status.memory import Rows, SweepMemory
from aggregator.figures.status.sweep import SweepRule, sweep
from aggregator.figures.worker_arrays import StatusColumns, WorkerTable
from benchmarks.results import record
from deploy.database.migrate import migrate
from deploy.local.postgres import EmbeddedPostgres

POOL_ID = 1
STATUSES = ("stable", "unavailable", "off", "removed")
FROM_COUNTS = "select status, workers from status_counts where entity_id = %s"
FROM_ROWS = (
    "select f.status, count(*) from worker_statuses f join miners on miners.id = f.miner_id"
    " where pool_id = %s group by f.status"
)


def fill(connection: psycopg.Connection[Any], workers: int) -> None:
    """One pool, a miner for each 1,000 workers, and what the leader would have written."""
    connection.execute("insert into pools (id, title) values (%s, 'pool')", (POOL_ID,))
    connection.execute(
        "insert into miners (id, account_name, pool_id)"
        " select 1 + n, 'miner' || n, %s from generate_series(1, %s / 1000) n",
        (POOL_ID, workers),
    )
    with connection.cursor().copy(
        "copy worker_statuses (worker_id, miner_id, status, status_since) from stdin"
    ) as copy:
        for number in range(workers):
            status = STATUSES[min(3, max(0, number % 100 - 96))]
            copy.write_row((number + 1, 2 + number // 1_000, status, "2026-11-23"))
    connection.execute(
        "insert into status_counts (entity_id, status, workers)"
        " select miner_id, status, count(*) from worker_statuses group by 1, 2"
    )
    connection.execute(
        "insert into status_counts (entity_id, status, workers)"
        " select %s, status, sum(workers) from status_counts group by 2",
        (POOL_ID,),
    )
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")


def median_ms(step: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = perf_counter()
        step()
        times.append((perf_counter() - began) * 1_000)
    return statistics.median(times)


def counting(connection: psycopg.Connection[Any]) -> tuple[float, float]:
    """Median ms from `status_counts` and from the rows; both give the same."""

    def answer(query: str) -> dict[str, int]:
        return dict(connection.execute(query, (POOL_ID,)).fetchall())

    assert answer(FROM_COUNTS) == answer(FROM_ROWS)
    return (
        median_ms(lambda: answer(FROM_COUNTS), 200),
        median_ms(lambda: answer(FROM_ROWS), 5),
    )


def sweeping(workers: int) -> float:
    """Median ms of a minute's sweep in which every worker shares."""
    table, memory = WorkerTable(capacity=workers), SweepMemory.new()
    table.add(StatusColumns.of(np.arange(1, workers + 1), miner_id=1, operator_id=1, pool_id=1))
    indices, minute_s = np.arange(workers), 1_790_000_040
    minutes = iter(range(minute_s, minute_s + 86_400, 60))

    def minute() -> None:
        start_s = next(minutes)
        rows = Rows(
            np.full(workers, start_s),
            indices,
            np.full(workers, 6),
            np.full(workers, start_s + 50),
            np.ones(workers, np.int32),
        )
        sweep(memory, table.columns, table.counts, rows=rows, to_s=start_s + 60, rule=SweepRule())

    minute()  # everybody's first share
    found = median_ms(minute, 5)
    assert (table.columns.status == 0).all()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hashgauge-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "data", durable=False)
        server.start()
        try:
            migrate(server.url("postgres"))
            with psycopg.connect(server.url("postgres")) as connection:
                fill(connection, options.workers)
                counts_ms, rows_ms = counting(connection)
        finally:
            server.stop()
    sweep_ms = sweeping(options.workers)
    print(f"from status_counts {counts_ms:.2f} ms, from rows {rows_ms:.0f} ms")
    print(f"one status sweep {sweep_ms:.0f} ms")
    scope = f"{options.workers:,} workers"
    against = f"grouping the rows of worker_statuses: {rows_ms:.0f} ms"
    record("status_count_1m_ms", counts_ms, "ms", against, f"median of 200, {scope}")
    record("status_sweep_1m_ms", sweep_ms, "ms", "", f"a minute in which all share, {scope}")


if __name__ == "__main__":
    main()
