"""Folding against DuckDB's and polars' group-by: the same arrays, the same outputs, one thread."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.intake.fold import MinuteRows, fold
from benchmarks.results import record
from schemas.share import REJECT_REASONS

SHARES, WORKERS, SPAN_S = 1_000_000, 100_000, 60
ROUNDS = 15
NOTE = (
    f"{SHARES:,} shares over {WORKERS:,} workers in one minute, 2 % rejected; sums, counts, last "
    "share and its source, rejects by reason; best of 15 rounds, taken in turns"
)

Arrays = dict[str, NDArray[Any]]


def arrays() -> Arrays:
    """Columns as intake has them: in order of time, workers at random."""
    rng = np.random.default_rng(20_260_913)
    rejected = rng.random(SHARES) < 0.02
    return {
        "second_s": np.sort(rng.integers(1_790_337_600, 1_790_337_600 + SPAN_S, SHARES)),
        "worker_index": rng.integers(0, WORKERS, SHARES, np.int32),
        "difficulty": rng.choice([8_192.0, 65_536.0, 131_072.0], SHARES),
        "result": np.where(rejected, rng.integers(1, 8, SHARES), 0).astype(np.uint8),
        "source": rng.integers(0, 4, SHARES, np.int32),
    }


def hashgauge(columns: Arrays) -> Callable[[], MinuteRows]:
    return lambda: fold(**columns)


def duckdb_query(columns: Arrays) -> Callable[[], dict[str, NDArray[Any]]]:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect(config={"threads": 1})
    connection.register("shares", pa.table({name: pa.array(v) for name, v in columns.items()}))
    connection.execute("create table loaded as select * from shares")
    reasons = ", ".join(
        f"sum(difficulty) filter (result = {code}) as {name}"
        for code, name in enumerate(REJECT_REASONS, 1)
    )
    query = (
        "select second_s // 60 as minute, worker_index, "
        "count(*) filter (result = 0) as accepted_count, "
        "count(*) filter (result > 0) as rejected_count, "
        "coalesce(sum(difficulty) filter (result = 0), 0) as accepted, "
        "coalesce(sum(difficulty) filter (result > 0), 0) as rejected, "
        "max(second_s) filter (result = 0) as last_share_s, "
        f"arg_max(source, second_s) filter (result = 0) as source, {reasons} "
        "from loaded group by 1, 2"
    )
    return lambda: connection.execute(query).fetchnumpy()


def polars_query(columns: Arrays) -> Callable[[], Any]:
    import polars as pl

    assert pl.thread_pool_size() == 1
    frame = pl.DataFrame(columns)
    work, taken = pl.col("difficulty"), pl.col("result") == 0
    sums = [
        taken.sum().alias("accepted_count"),
        (~taken).sum().alias("rejected_count"),
        work.filter(taken).sum().alias("accepted"),
        work.filter(~taken).sum().alias("rejected"),
        pl.col("second_s").filter(taken).max().alias("last_share_s"),
        pl.col("source").filter(taken).last().alias("source"),
        *(
            work.filter(pl.col("result") == code).sum().alias(name)
            for code, name in enumerate(REJECT_REASONS, 1)
        ),
    ]
    keys = [(pl.col("second_s") // 60).alias("minute"), "worker_index"]
    query = frame.lazy().group_by(keys).agg(sums)
    return query.collect


def best_seconds(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Best time of each, taken in turns so that a busy machine is busy for all of them."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def check(columns: Arrays) -> None:
    """All three answer the same."""
    rows = hashgauge(columns)()
    order = np.argsort(rows.worker_index)
    table = duckdb_query(columns)()
    theirs = np.argsort(table["worker_index"])
    frame = polars_query(columns)().sort("worker_index")
    for name in ("worker_index", "accepted_count", "rejected_count", "accepted", "rejected"):
        ours = getattr(rows, name)[order]
        np.testing.assert_array_equal(ours, np.asarray(table[name])[theirs])
        np.testing.assert_array_equal(ours, frame[name].to_numpy())
    last = rows.last_share_s[order]
    np.testing.assert_array_equal(last, np.ma.filled(table["last_share_s"], -1)[theirs])
    np.testing.assert_array_equal(last, frame["last_share_s"].fill_null(-1).to_numpy())
    for code, name in enumerate(REJECT_REASONS):
        ours = np.zeros(len(rows))
        ours[rows.reject_row] = rows.reasons[code]
        np.testing.assert_array_equal(ours[order], frame[name].to_numpy())


def main() -> None:
    """Measure and record."""
    columns = arrays()
    check(columns)
    best = best_seconds(
        {
            "hashgauge": hashgauge(columns),
            "duckdb": duckdb_query(columns),
            "polars": polars_query(columns),
        }
    )
    for peer in ("duckdb", "polars"):
        ratio = best[peer] / best["hashgauge"]
        rate = SHARES / best["hashgauge"] / 1e6
        record(f"fold_vs_{peer}", ratio, "x", peer, f"{NOTE}; {rate:.0f} million shares/s here")


def test_fold_against_group_by(benchmark: Any) -> None:
    """In a process of its own: polars' pool of threads is sized when it is imported."""
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.bench_fold"]
    subprocess.run(command, env=environment, check=True)
    columns = arrays()
    benchmark.pedantic(hashgauge(columns), rounds=ROUNDS, warmup_rounds=1)


if __name__ == "__main__":
    main()
