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

from deploy.local.postgres import EmbeddedPostgres
from deploy.migrate import migrate

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
        await connection.execute("insert into touched_minutes (bucket) values (%s)", (at(minute),))
        await connection.execute("update intake_partitions set stream_time = %s", (at(minute + 1),))


async def add_week(connection: AsyncConnection[Any], *, complete_to: int) -> None:
    """History up to minute `complete_to`, as a leader leaves it, with shares in every minute.

    Rollups of a week, minutes of the last hour, statuses.
    """
    await connection.execute("set maintenance_work_mem = '1GB'")
    await fill_rollup(connection, "worker_1h", 60, complete_to, hours=172)
    await fill_rollup(connection, "worker_15m", 15, complete_to, hours=26)
    await connection.execute(
        "insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count, "
        "accepted, rejected, last_share_at, stale) "
        "select minute, id, miner_id, 3, 1, 200000, 4369, minute + interval '45 s', 4369 "
        "from generate_series(%s, %s, interval '1 minute') minute, workers",
        (at(complete_to - 64), at(complete_to - 1)),
    )
    await add_figures(connection, complete_to=complete_to)
    await connection.execute("vacuum (analyze, parallel 0)")


async def add_figures(connection: AsyncConnection[Any], *, complete_to: int) -> None:
    """Where a leader stopped at minute `complete_to`, with every worker stable."""
    await connection.execute(
        "insert into worker_figures (worker_id, miner_id, status, status_since, transition_number, "
        "last_share_at, share_interval_s) "
        "select id, miner_id, 'stable', %s, 1, %s, 20 from workers",
        (at(-10_080), at(complete_to - 0.25)),
    )
    end = {"end": at(complete_to)}
    await connection.execute("update leader set stream_time = %(end)s, complete_to = %(end)s", end)
    await connection.execute("update status_sweep set swept_to = %(end)s", end)
    await connection.execute("update intake_partitions set stream_time = %(end)s", end)


async def fill_rollup(
    connection: AsyncConnection[Any], relation: str, width: int, complete_to: int, *, hours: int
) -> None:
    """A row of every worker for each `width` minutes of the `hours` before minute `complete_to`.

    Rows first and indexes after, or filling would take longer than all that is measured.
    """
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
        (at(complete_to - hours * 60), at(complete_to)),
    )
    for _, definition, constraint in indexes:
        add = sql.SQL("alter table {} add ").format(table)
        await connection.execute(add + sql.SQL(constraint) if constraint else definition)
