"""A minute on its way into the database: flushes against a bare COPY, merges against upserts.

On a durable embedded PostgreSQL, each pair taken in turns in one run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection, sql

from aggregator.figures.minutes.merge import merge_flushed
from aggregator.intake.checkpoint import Checkpoint, PartitionShare
from aggregator.intake.config import IntakeConfig
from aggregator.intake.flush import Writer
from aggregator.intake.fold import MinuteRows
from aggregator.intake.partitions import offsets
from aggregator.intake.workers.registry import Registry, WorkerColumns
from aggregator.postgres.lease import Lease
from benchmarks.load.figures_data import WORKERS_PER_MINER, at, database, server
from benchmarks.results import record
from schemas.runtime.clock import SystemClock
from schemas.runtime.named_sql import load

_APPEND: Final = load("aggregator.intake", "sql/flush.sql")["append"]


class DenseRegistry(Registry):
    """Worker n of the benchmark's database in slot n - 1."""

    def columns_of(self, slot: np.ndarray[Any, np.dtype[np.int64]]) -> WorkerColumns:
        worker_id = (slot + 1).astype(np.int32)
        miners = max(1, 100_000 // WORKERS_PER_MINER)
        miner_id = (2 + worker_id % miners).astype(np.int32)
        return WorkerColumns(worker_id, miner_id, np.zeros(len(slot), np.int32))


def one_minute(workers: int, minute: int) -> MinuteRows:
    """Three accepted shares of every worker, in no order of their keys."""
    slot = np.random.default_rng(minute).permutation(workers)
    ones = np.ones(workers, np.int64)
    minute_s = int(at(minute).timestamp())
    return MinuteRows(
        minute_s * ones, slot, 3 * ones, 0 * ones,
        np.full(workers, 3.0 * 65_536), np.zeros(workers),
        (minute_s + 45) * ones, 0 * ones, np.empty(0, np.int64), np.empty((7, 0)),
    )  # fmt: skip


async def flush_against_copy(workers: int, rounds: int) -> tuple[float, float]:
    """Best seconds of a flush and of a bare COPY of the same rows, taken in turns."""
    flushes, copies = [], []
    with server() as started:
        async with database(started, workers=workers) as connection:
            stream = offsets.Stream("bench", "shares")
            (claim,) = await offsets.claim(
                connection, stream, beginnings={0: 0}, owner="bench", clock="records"
            )
            await connection.execute(
                "create unlogged table bare (like flushed_minutes including defaults)"
            )
            config = IntakeConfig()
            writer = Writer(config, DenseRegistry(config), SystemClock())
            for number in range(rounds):
                rows = one_minute(workers, number)
                part = PartitionShare(0, claim.owner_epoch, number, number + 1)
                began = time.perf_counter()
                done = await writer.flush(
                    connection, stream, Checkpoint(partitions={0: part}), rows=rows
                )
                flushes.append(time.perf_counter() - began)
                assert done.rows == workers
                data = writer.encoded(rows)
                began = time.perf_counter()
                await copy_into(connection, "bare", data)
                copies.append(time.perf_counter() - began)
            cursor = await connection.execute("select count(*), sum(accepted) from flushed_minutes")
            assert await cursor.fetchone() == (workers * rounds, 3.0 * 65_536 * workers * rounds)
    return min(flushes), min(copies)


def test_flush_against_a_bare_copy(benchmark: Any) -> None:
    flush_s, copy_s = benchmark.pedantic(
        lambda: asyncio.run(flush_against_copy(100_000, rounds=8)), rounds=1
    )
    record(
        "flush_vs_copy",
        copy_s / flush_s,
        "ratio",
        "COPY into an unlogged table without index, same rows, same run",
        f"100,000 worker minutes: {100_000 / flush_s:,.0f} rows/s with offsets and commit, "
        f"{100_000 / copy_s:,.0f} rows/s bare; best of 8, taken in turns",
    )


UPSERT: Final = """
insert into upserted as minute
select * from staged order by worker_id, bucket
on conflict (worker_id, bucket) do update set
    accepted_count = minute.accepted_count + excluded.accepted_count,
    rejected_count = minute.rejected_count + excluded.rejected_count,
    accepted = minute.accepted + excluded.accepted,
    rejected = minute.rejected + excluded.rejected,
    last_share_at = greatest(minute.last_share_at, excluded.last_share_at)
"""


async def minute_against_upserts(workers: int, minutes: int) -> tuple[float, float]:
    """Median seconds that the database works on one minute: appended by 30 flushes and merged once,
    and upserted by each flush (staged, in key order). Every worker has six shares."""
    merged, upserted = [], []
    with server() as started:
        async with database(started, workers=workers) as connection:
            await connection.execute("set work_mem = '64MB'")  # as the leader has it
            lease = Lease("bench", lease_s=-3_600.0)
            assert await lease.acquire(connection)
            await connection.execute(
                "create table upserted (like worker_minutes, primary key (worker_id, bucket));"
                "create index on upserted (bucket);"
                "create temporary table staged (like worker_minutes) on commit delete rows"
            )
            writer = Writer(IntakeConfig(), DenseRegistry(IntakeConfig()), SystemClock())
            for minute in range(minutes):
                flushes = [writer.encoded(rows) for rows in flushes_of_a_minute(workers, minute)]
                began = time.perf_counter()
                for data in flushes:
                    await copy_into(connection, "flushed_minutes", data)
                await merge_flushed(connection, lease, late_before=0)
                merged.append(time.perf_counter() - began)
                began = time.perf_counter()
                for data in flushes:
                    async with connection.transaction():
                        await copy_into(connection, "staged", data)
                        await connection.execute(UPSERT)
                upserted.append(time.perf_counter() - began)
            sums = "select count(*), sum(accepted_count), sum(accepted) from {}"
            for table in ("worker_minutes", "upserted"):
                cursor = await connection.execute(sql.SQL(sums).format(sql.Identifier(table)))
                shares = 6 * workers * minutes
                assert await cursor.fetchone() == (workers * minutes, shares, 65_536.0 * shares)
    return float(np.median(merged)), float(np.median(upserted))


def flushes_of_a_minute(workers: int, minute: int) -> Iterator[MinuteRows]:
    """30 flushes, each with one share of every fifth worker."""
    everyone = np.random.default_rng(minute).permutation(workers)
    minute_s = int(at(minute).timestamp())
    for number in range(30):
        slot = everyone[number % 5 :: 5]
        ones = np.ones(len(slot), np.int64)
        yield MinuteRows(
            minute_s * ones, slot, ones, 0 * ones, np.full(len(slot), 65_536.0),
            np.zeros(len(slot)), (minute_s + 2 * number) * ones, 0 * ones,
            np.empty(0, np.int64), np.empty((7, 0)),
        )  # fmt: skip


async def copy_into(connection: AsyncConnection[Any], table: str, data: bytes) -> None:
    """The flush's own COPY, into another table."""
    statement = _APPEND.replace("copy flushed_minutes", f"copy {table}")
    async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        await copy.write(data)


def test_minute_against_upserts(benchmark: Any) -> None:
    merged_s, upserted_s = benchmark.pedantic(
        lambda: asyncio.run(minute_against_upserts(100_000, minutes=5)), rounds=1
    )
    record(
        "minute_vs_upserts", upserted_s / merged_s, "x", "an upsert of every flush, same run",
        f"the database works on a minute of 100,000 workers in 30 flushes for {merged_s:.2f} s "
        f"(appended and merged) and {upserted_s:.2f} s (upserted); median of 5 minutes",
    )  # fmt: skip
