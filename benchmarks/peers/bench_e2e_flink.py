"""Intake to committed rows, against Apache Flink from the same JSON topic into PostgreSQL.

Both tables must hold the same sums at the end, or nothing is recorded.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, LiteralString

import psycopg

from benchmarks.bench_e2e import measure
from benchmarks.load.e2e_load import Servers, servers, shares, worker_names, write_json
from benchmarks.load.e2e_run import Settings
from benchmarks.peers.flink_sum import VERSION, flink_seconds
from benchmarks.results import record

# More than the others' topic holds: the first seconds of a Java are its slowest.
SHARES, WORKERS, ROUNDS = 1_000_000, 10_000, 3
TOPIC: Final = "flink"
_OURS: Final[LiteralString] = """
select extract(epoch from bucket)::int8, account_name, name, sum(accepted), sum(rejected)
from flushed_minutes
join workers on workers.id = worker_id
join miners on miners.id = workers.miner_id
group by 1, 2, 3
"""
_THEIRS: Final[LiteralString] = """
select extract(epoch from bucket at time zone 'UTC')::int8, account_name, worker_name,
       coalesce(sum(difficulty) filter (where result = 'accepted'), 0),
       coalesce(sum(difficulty) filter (where result <> 'accepted'), 0)
from flink_sums
group by 1, 2, 3
"""


def check_sums(servers: Servers) -> None:
    """Of every worker and minute, accepted and rejected: the two tables agree to the last bit."""
    with psycopg.connect(servers.database_url) as connection:
        ours, theirs = (set(connection.execute(query).fetchall()) for query in (_OURS, _THEIRS))
    assert ours, "no sums"
    assert ours == theirs, f"{len(ours ^ theirs)} sums differ, such as {min(ours ^ theirs)}"


def main(count: int = SHARES, rounds: int = ROUNDS) -> None:
    """Measure in turns, take the best of each, record the ratio."""
    ours_s, theirs_s = [], []
    with servers() as where:
        asyncio.run(write_json(where, TOPIC, shares(count, worker_names(WORKERS), seed=4)))
        settings = Settings(
            "intake", where.bootstrap_servers, where.database_url, TOPIC, count, WORKERS
        )
        for _ in range(rounds):
            ours_s.append(measure(settings).seconds)
            theirs_s.append(flink_seconds(where, TOPIC))
            check_sums(where)
    ratio = min(theirs_s) / min(ours_s)
    note = (
        f"{count / min(ours_s):,.0f} shares/s to committed rows against "
        f"{count / min(theirs_s):,.0f}: the one-minute sum per worker and result alone, "
        f"exactly once by an upsert, JSON, one share a message, {WORKERS:,} workers, "
        f"the same sums; best of {rounds}"
    )
    record("e2e_json_vs_flink", ratio, "x", VERSION, note)


def test_against_flink(benchmark: Any) -> None:
    """The runs are processes of their own; the clock of the plugin only frames them."""
    benchmark.pedantic(main, rounds=1)


if __name__ == "__main__":
    main()
