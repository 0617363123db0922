"""Bytes and database work per worker minute, on both databases: `python -m benchmarks.storage`.

Makes a day of minutes of some workers, follows it to its rollups, compresses what can be, and
prints a Markdown table: the figures behind `deploy/capacity.md`. Sizes do not depend on the
machine; TimescaleDB comes from TIMESCALE_URL, or in WebAssembly, whose sizes are those of a native
one and whose speed is not (so no time is measured there).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import AsyncConnection

from aggregator.figures.minutes.merge import merge_flushed
from aggregator.figures.rollups.plain import PlainRollups
from aggregator.figures.rollups.store import Dirty, Policies, open_rollups
from aggregator.postgres.binary_copy import binary_copy, timestamps
from aggregator.postgres.lease import Lease
from deploy.database.migrate import migrate
from deploy.local.postgres import EmbeddedPostgres
from schemas.rollups import WORKERS
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS, MINUTES
from tests.timescale.server import TimescaleServer

_APPEND: Final = load("aggregator.intake", "sql/flush.sql")["append"]
_DAY_S: Final = 86_400
# A Thursday; the day of the year does not matter.
_START_S: Final = 1_767_225_600
# A day has one row of `1d` for each worker, too few to tell; its rows are those of `1h`.
_RELATIONS: Final = tuple(f"worker_{level}" for level in (MINUTES, *(x.name for x in LEVELS[:2])))
_TYPES: Final = (">i8", *(">i4",) * 6, *(">f8",) * 2, ">i8", *(">f8",) * 7)


@dataclass(frozen=True, slots=True)
class Size:
    """What one relation takes for `rows` rows."""

    relation: str
    rows: int
    table_bytes: int
    index_bytes: int
    compressed_bytes: int | None

    def line(self, workers: int, *, named: str) -> str:
        """A row of the Markdown table."""
        row = (self.table_bytes + self.index_bytes) / self.rows
        cells = [f"{self.table_bytes / self.rows:.0f}", f"{self.index_bytes / self.rows:.0f}"]
        before = f"{row * self.rows / workers / 1_000:.1f}"
        after = compressed = "–"
        if self.compressed_bytes is not None:
            compressed = f"{self.compressed_bytes / self.rows:.1f}"
            after = f"{self.compressed_bytes / workers / 1_000:.2f}"
        cells = [named, f"`{self.relation}`", *cells, compressed, before, after]
        return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=300)
    options = parser.parse_args()
    print("| database | relation | table B/row | index B/row | compressed B/row |", end="")
    print(" kB per worker and day | compressed |")
    print("|---|---|---|---|---|---|---|")
    with plain_database() as url:
        _print_sizes(url, options.workers, named="PostgreSQL")
    with timescale_database() as url:
        _print_sizes(url, options.workers, named="TimescaleDB")
    print()
    print(
        "| workers | flush and merge of a minute, ms | closing a quarter of an hour, ms |",
        "|---|---|---|",
        sep="\n",
    )
    for workers in (1_000, 10_000):
        with plain_database() as url:
            flush_s, close_s = asyncio.run(minute_of_work(url, workers))
        print(f"| {workers:,} | {flush_s * 1_000:.0f} | {close_s * 1_000:.0f} |")


@contextmanager
def plain_database() -> Iterator[str]:
    """An embedded PostgreSQL, durable as in production."""
    folder = Path(tempfile.mkdtemp(prefix="hashgauge-bench-"))
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        migrate(server.url())
        yield server.url()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def timescale_database() -> Iterator[str]:
    """TIMESCALE_URL (an empty database), or the WebAssembly build."""
    if given := os.environ.get("TIMESCALE_URL"):
        migrate(given)
        yield given
        return
    server = TimescaleServer()
    try:
        migrate(server.url)
        yield server.url
    finally:
        server.stop()


def _print_sizes(url: str, workers: int, *, named: str) -> None:
    for size in asyncio.run(day_of_work(url, workers)):
        print(size.line(workers, named=named), flush=True)


async def day_of_work(url: str, workers: int) -> list[Size]:
    """A day of every worker, through all rollups; the sizes of what it left."""
    rng = np.random.default_rng(8)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        store, lease = await open_rollups(connection, Policies()), Lease("bench", lease_s=-1.0)
        assert await lease.acquire(connection)
        for start_s in range(_START_S, _START_S + _DAY_S, 3_600):
            minutes_s = np.arange(start_s, start_s + 3_600, 60)
            for minute_s in minutes_s:
                await _flush(connection, lease, rng, int(minute_s), workers)
            async with connection.transaction():
                dirty = [Dirty(int(minute_s)) for minute_s in minutes_s]
                await store.refresh(connection, dirty)
            while await store.settle(connection, watermark_s=start_s + 3_600):
                pass
        while await store.settle(connection, watermark_s=_START_S + 2 * _DAY_S):
            pass
    with psycopg.connect(url, autocommit=True) as sync:
        return [_size(sync, relation) for relation in _RELATIONS]


async def minute_of_work(url: str, workers: int) -> tuple[float, float]:
    """Seconds for one flush with its merge, and for closing a quarter of an hour of those."""
    rng = np.random.default_rng(8)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        lease, rollups = Lease("bench", lease_s=-1.0), PlainRollups(Policies(), rest=timedelta())
        assert await lease.acquire(connection)
        for minute_s in range(_START_S, _START_S + 15 * 60, 60):
            began = time.perf_counter()
            await _flush(connection, lease, rng, minute_s, workers)
            flush_s = time.perf_counter() - began
        await connection.execute("vacuum analyze")
        began = time.perf_counter()
        assert await rollups.settle(connection, watermark_s=_START_S + 15 * 60) == 0
        return flush_s, time.perf_counter() - began


async def _flush(
    connection: AsyncConnection[Any],
    lease: Lease,
    rng: np.random.Generator,
    minute_s: int,
    workers: int,
) -> None:
    """Flush and merge shares as vardiff gives them: eight a minute, one in a hundred stale."""
    worker_id = np.arange(1, workers + 1)
    difficulty = 65_536.0 * 2.0 ** (worker_id % 5)
    accepted = 1 + rng.poisson(8, workers)
    stale = rng.random(workers) < 0.08
    columns: dict[str, NDArray[Any]] = {
        "bucket": timestamps(np.full(workers, minute_s)),
        "worker_id": worker_id,
        "miner_id": 1 + worker_id // 100,
        "operator_id": np.full(workers, 2),
        "source_id": 1 + worker_id % 3,
        "accepted_count": accepted,
        "rejected_count": stale.astype(np.int64),
        "accepted": accepted * difficulty,
        "rejected": stale * difficulty,
        "last_share_at": timestamps(minute_s + rng.integers(0, 60, workers)),
    }
    nothing = np.zeros(workers)
    columns |= {"stale": columns["rejected"], **{f"reason {i}": nothing for i in range(6)}}
    nulls = {name: columns[name] == 0 for name in list(columns)[-7:]}
    async with connection.cursor() as cursor, cursor.copy(_APPEND) as copy:
        await copy.write(binary_copy(columns, _TYPES, nulls=nulls))
    await merge_flushed(connection, lease, late_before=0)


def _size(connection: psycopg.Connection[Any], relation: str) -> Size:
    (rows,) = _row(connection, f"select count(*) from {relation}")
    hyper = _row(connection, "select count(*) from pg_extension where extname = 'timescaledb'")[0]
    if not hyper:
        stored = WORKERS.closed_relation(relation.removeprefix("worker_"))
        # What merges left behind is autovacuum's to reuse; it would drown the rows of one day.
        connection.execute(f"vacuum full {stored}".encode())
        table, index = _row(
            connection, f"select pg_table_size('{stored}'), pg_indexes_size('{stored}')"
        )
        return Size(relation, rows, table, index, None)
    # An aggregate's rows lie in a hypertable of their own.
    table, index = _row(connection, _HYPERTABLE_SIZE.format(relation=relation))
    connection.execute(_COMPRESS.format(relation=relation))
    after = _row(connection, _HYPERTABLE_SIZE.format(relation=relation))
    return Size(relation, rows, table, index, sum(after))


_HYPERTABLE_SIZE: Final = """
select sum(table_bytes + toast_bytes)::int8, sum(index_bytes)::int8
from hypertable_detailed_size(coalesce(
    (
        select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
        from timescaledb_information.continuous_aggregates where view_name = '{relation}'
    ),
    '{relation}'
)::regclass)
"""
_COMPRESS: Final = "select compress_chunk(chunk, true) from show_chunks('{relation}') as chunk"


def _row(connection: psycopg.Connection[Any], query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return cast("tuple[Any, ...]", row)


if __name__ == "__main__":
    main()
