"""From topic to committed rows, on a real Kafka: against fetching and decoding alone, and against
a small and a large pool."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import psycopg

from benchmarks.load.e2e_load import Servers, servers, shares, worker_names, write_arrow, write_json
from benchmarks.load.e2e_run import Outcome, Settings
from benchmarks.results import record

# Several seconds each: the last flush waits for up to half a second.
JSON_SHARES, ARROW_SHARES = 1_200_000, 20_000_000
WORKERS = 10_000
ACTIVE, FEW, MANY = 1_000, 1_000, 1_000_000
ROUNDS = 3


def measure(settings: Settings) -> Outcome:
    """One run in a process of its own, on empty tables."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("truncate flushed_minutes, intake_partitions, producer_sequences")
        connection.execute("checkpoint")
    arguments = json.dumps(asdict(settings))
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.load.e2e_run", arguments],
        check=True,
        stdout=subprocess.PIPE,
    )
    return Outcome(**json.loads(answer.stdout.splitlines()[-1]))


def best(runs: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """The fastest outcome of each, taken in turns so that a busy machine is busy for all."""
    rounds = [[run() for run in runs] for _ in range(ROUNDS)]
    return [min(outcomes, key=lambda each: each.seconds) for outcomes in zip(*rounds, strict=True)]


def against_limit(where: Servers, topic: str, count: int, name: str, note: str) -> None:
    def run(mode: str) -> Callable[[], Outcome]:
        return lambda: measure(
            Settings(mode, where.bootstrap_servers, where.database_url, topic, count, WORKERS)
        )

    alone, whole = best([run("limit"), run("intake")])
    rates = f"{count / whole.seconds:,.0f} of {count / alone.seconds:,.0f} shares/s"
    ratio = alone.seconds / whole.seconds
    record(name, ratio, "x", "getmany and decoding alone", f"{note}; {rates}; best of {ROUNDS}")


def against_size(where: Servers, topic: str, count: int) -> None:
    """The same shares of 1,000 active workers, where 1,000 and where 1,000,000 are known."""

    def run(known: int) -> Callable[[], Outcome]:
        return lambda: measure(
            Settings("intake", where.bootstrap_servers, where.database_url, topic, count, known)
        )

    few, many = best([run(FEW), run(MANY)])
    note = f"{count:,} JSON shares of {ACTIVE:,} active workers, {MANY:,} and {FEW:,} known"
    record("cost_1m_vs_1k_workers", many.seconds / few.seconds, "x", f"{FEW:,} workers", note)
    per_worker = (many.peak_bytes - few.peak_bytes) / (MANY - FEW)
    record("bytes_per_worker", per_worker, "bytes", "", f"peak of intake, names and all; {note}")


def main(only: Sequence[str]) -> None:
    """Measure and record; `only` names some of json, arrow, size."""
    names = worker_names(WORKERS)
    with servers() as where:
        if "json" in only:
            asyncio.run(write_json(where, "json", shares(JSON_SHARES, names, seed=1)))
            note = f"{JSON_SHARES:,} messages of one share, {WORKERS:,} workers, all known"
            against_limit(where, "json", JSON_SHARES, "e2e_json_vs_limit", note)
        if "arrow" in only:
            asyncio.run(write_arrow(where, "arrow", shares(ARROW_SHARES, names, seed=2)))
            note = f"{ARROW_SHARES:,} shares in messages of 4,000, {WORKERS:,} workers, all known"
            against_limit(where, "arrow", ARROW_SHARES, "e2e_arrow_vs_limit", note)
        if "size" in only:
            active = shares(JSON_SHARES, names[:ACTIVE], seed=3)
            asyncio.run(write_json(where, "size", active))
            against_size(where, "size", JSON_SHARES)


def test_from_topic_to_committed_rows(benchmark: Any) -> None:
    """The runs are processes of their own; the clock of the plugin only frames them."""
    benchmark.pedantic(lambda: main(("json", "arrow", "size")), rounds=1)


if __name__ == "__main__":
    main(sys.argv[1:] or ("json", "arrow", "size"))
