"""Databases for the benchmarks of the figures leader: workers, minutes, a week of rollups."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import AsyncConnection, sql

from aggregator.figures.publish import snapshot as published
from aggregator.postgres.lease import Lease
from deploy.database.migrate import migrate
from deploy.local.postgres import EmbeddedPostgres

START: Final = datetime(2026, 3, 9, tzinfo=UTC)
"""A midnight; the week before it is history."""

WORKERS_PER_MINER: Final = 30

_numbers = count(1)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """A durable server, as in production: what is committed is on the disk."""
    data_dir = Path(tempfile.mkdtemp(prefix="hashgauge-bench-"))
    started = EmbeddedPostgres(data_dir, durable=True)
    started.start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
        data_dir.with_name(data_dir.name + ".password").unlink(missing_ok=True)


@asynccontextmanager
async def database(
    started: EmbeddedPostgres, *, workers: int
) -> AsyncIterator[AsyncConnection[Any]]:
    """A migrated database with `workers` workers and no minute."""
    name = f"bench_{next(_numbers)}"
    with psycopg.connect(started.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = started.url(name)
    await asyncio.to_thread(migrate, url)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await _people(connection, workers)
        yield connection
    with psycopg.connect(started.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


async def lease_of(connection: AsyncConnection[Any]) -> Lease:
    """The connection becomes the leader's: its settings, its stages, the lease, whoever had it."""
    lease = Lease("bench", lease_s=-3_600.0)
    assert await lease.acquire(connection)
    for setting in ("work_mem = '64MB'", "jit = off"):
        await connection.execute(f"set {setting}".encode())
    await published.prepare(connection)
    return lease


_PEOPLE: Final[LiteralString] = """
insert into pools (id, title) values (1, 'pool');
insert into miners (id, account_name, pool_id)
    select 1 + n, 'miner' || n, 1 from generate_series(1, {miners}) n;
insert into workers (miner_id, name)
    select 2 + n % {miners}, 'rig' || n from generate_series(1, {workers}) n;
insert into intake_stream (cluster_id, topic, clock) values ('bench', 'shares', 'records');
insert into intake_partitions (cluster_id, topic, partition, next_offset)
    values ('bench', 'shares', 0, 0);
analyze;
"""


async def _people(connection: AsyncConnection[Any], workers: int) -> None:
    miners = max(1, workers // WORKERS_PER_MINER)
    await connection.execute(sql.SQL(_PEOPLE).format(miners=miners, workers=workers))


async def add_minute(connection: AsyncConnection[Any], minute: int) -> None:
    """What intake leaves of one minute in which every worker shared; stream time is its end."""
    async with connection.transaction():
        await connection.execute(
            "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, "
            "rejected_count, accepted, rejected, last_share_at) "
            "select %s, id, miner_id, 3, 0, 3 * (65536 + (id::int8 * 7919 + %s) %% 4096), 0, %s "
            "from workers order by id",
            (at(minute), minute, at(minute + 0.75)),
        )
        await connection.execute("insert into dirty_minutes (bucket) values (%s)", (at(minute),))
        await connection.execute("update intake_partitions set stream_time = %s", (at(minute + 1),))


async def add_flushed(connection: AsyncConnection[Any], minute: int) -> None:
    """The same as intake flushes it: three shares of every worker, one more of every second one in
    a row of its own, in no order."""
    async with connection.transaction():
        for share, (second, every) in enumerate(((45, 1), (55, 2))):
            await connection.execute(
                "insert into flushed_minutes (bucket, worker_id, miner_id, accepted_count, "
                "rejected_count, accepted, rejected, last_share_at) "
                "select %s, id, miner_id, %s, 0, %s * (65536 + (id::int8 * 7919 + %s) %% 4096), 0, "
                "%s from workers where id %% %s = 0 order by hashint4(id)",
                (at(minute), 3 - 2 * share, 3 - 2 * share, minute, at(minute + second / 60), every),
            )
        await connection.execute("update intake_partitions set stream_time = %s", (at(minute + 1),))


async def add_week(connection: AsyncConnection[Any], *, watermark: int) -> None:
    """History up to minute `watermark`, as a leader leaves it, with shares in every minute.

    Rollups of a week, minutes of the last hour, statuses.
    """
    await connection.execute("set maintenance_work_mem = '1GB'")
    await fill_rollup(connection, "worker_1h", 60, watermark, hours=172)
    await fill_rollup(connection, "worker_15m", 15, watermark, hours=26)
    await add_hour(connection, watermark=watermark)


async def add_hour(connection: AsyncConnection[Any], *, watermark: int) -> None:
    """Minutes of the last hour and statuses."""
    await connection.execute(
        "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count, "
        "accepted, rejected, last_share_at, stale) "
        "select minute, id, miner_id, 3, 1, 200000, 4369, minute + interval '45 s', 4369 "
        "from generate_series(%s, %s, interval '1 minute') minute, workers",
        (at(watermark - 64), at(watermark - 1)),
    )
    await add_figures(connection, watermark=watermark)
    await connection.execute("vacuum (analyze, parallel 0)")


async def add_figures(connection: AsyncConnection[Any], *, watermark: int) -> None:
    """Where a leader stopped at minute `watermark`, with every worker stable."""
    await connection.execute(
        "insert into worker_statuses (worker_id, miner_id, status, status_since, "
        "transition_number, last_share_at, share_interval_s) "
        "select id, miner_id, 'stable', %s, 1, %s, 20 from workers",
        (at(-10_080), at(watermark - 0.25)),
    )
    end = {"end": at(watermark)}
    await connection.execute(
        "update closed_rollups set closed_to = date_bin(width, %(end)s, '2000-01-03Z') "
        "from (values ('15m', interval '15 min'), ('1h', interval '1 h'), ('1d', interval '1 d')) "
        "as levels (name, width) where level = name",
        end,
    )
    await connection.execute("update leader set stream_time = %(end)s, watermark = %(end)s", end)
    await connection.execute("update status_sweep set judged_to = %(end)s", end)
    await connection.execute("update intake_partitions set stream_time = %(end)s", end)


async def fill_rollup(
    connection: AsyncConnection[Any], relation: str, width: int, watermark: int, *, hours: int
) -> None:
    """A closed row of every worker for each `width` minutes of the `hours` before `watermark`.

    Rows first and indexes after, or filling would take longer than all that is measured.
    """
    relation = f"{relation}_closed"
    table = sql.Identifier(relation)
    definitions = await connection.execute(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid), "
        "pg_get_constraintdef(pg_constraint.oid) "
        "from pg_index left join pg_constraint on conindid = indexrelid "
        "where indrelid = %s::regclass",
        (relation,),
    )
    indexes = await definitions.fetchall()
    for name, _, constraint in indexes:
        drop = "alter table {} drop constraint {}" if constraint else "drop index {1}"
        await connection.execute(sql.SQL(drop).format(table, sql.Identifier(name)))
    await connection.execute(
        sql.SQL(
            "insert into {} "
            "(bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale) "
            "select bucket, id, {}, 1, {} * 200000.0, 65536, 65536 from generate_series("
            "date_bin(make_interval(mins => {}), %s, '2000-01-03 00:00:00+00'), %s, "
            "make_interval(mins => {})) bucket, workers"
        ).format(table, 3 * width, width, width, width),
        (at(watermark - hours * 60), at(watermark)),
    )
    for _, definition, constraint in indexes:
        add = sql.SQL("alter table {} add ").format(table)
        await connection.execute(add + sql.SQL(constraint) if constraint else definition)
