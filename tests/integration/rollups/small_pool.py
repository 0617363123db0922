"""A small pool whose minutes are written as intake and the leader write them, and its rollups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection

from aggregator.figures.minutes.entity_minutes import write_entity_minutes
from aggregator.figures.rollups.store import Dirty, Policies, RollupStore, open_rollups
from aggregator.figures.rollups.timescale import TimescaleRollups
from schemas.rollups import FAMILIES, SUM_COLUMNS
from schemas.share import REJECT_REASONS
from schemas.windows import LEVELS, MINUTES
from tests.integration.figures.fake_intake import merge_now

WORKERS = 10
REASONS = 7
RELATIONS = [
    family.relation(level) for family in FAMILIES for level in (MINUTES, *(x.name for x in LEVELS))
]

_PEOPLE = """
insert into pools (title) values ('pool');
insert into operators (pool_id, title) values (1, 'operator');
insert into miners (account_name, pool_id, operator_id) values ('alice', 1, 2), ('bob', 1, null);
insert into workers (miner_id, name, behavior)
select 3 + n % 2, 'rig' || n, case when n = 7 then 'boundary' else 'hardware' end
from generate_series(0, 9) as n;
"""


_FLUSHED: Final = ", ".join(
    (
        *("bucket", "worker_id", "miner_id", "operator_id", "source_id", "accepted_count"),
        *("rejected_count", "accepted", "rejected", "last_share_at", *REJECT_REASONS),
    )
)


@dataclass(frozen=True, slots=True)
class Row:
    """Work of one worker in one minute; `rejected` by reason, whole difficulties."""

    minute_s: int
    worker_id: int
    accepted: int
    rejected: tuple[int, ...] = (0,) * REASONS

    def flushed(self) -> list[Any]:
        minute = datetime.fromtimestamp(self.minute_s, UTC)
        miner_id = 3 + (self.worker_id - 1) % 2
        total = sum(self.rejected)
        counts = [self.accepted // 1_000 + 1, sum(value > 0 for value in self.rejected)]
        operator_id = 2 if miner_id == 3 else None
        head = [minute, self.worker_id, miner_id, operator_id, None, *counts]
        reasons = [float(value) if value else None for value in self.rejected]
        return [*head, float(self.accepted), float(total), minute, *reasons]


@dataclass(slots=True)
class SmallPool:
    """One kind of database, as intake and the leader use it."""

    connection: AsyncConnection[Any]
    store: RollupStore

    async def take(self, rows: Sequence[Row], *, named: bool = False) -> None:
        """A flush, and the cycle that reads it. `named`: list the workers of the minutes."""
        dirty = _dirty(rows, named=named)
        async with (
            self.connection.transaction(),
            self.connection.cursor() as cursor,
            cursor.copy(f"copy flushed_minutes ({_FLUSHED}) from stdin") as copy,
        ):
            for row in rows:
                await copy.write_row(row.flushed())
        await merge_now(self.connection)
        await self.connection.execute("delete from dirty_minutes")
        async with self.connection.transaction():
            minutes = {minute.minute_s // 60 for minute in dirty}
            await write_entity_minutes(self.connection, minutes)
            await self.store.refresh(self.connection, dirty)
            await self.connection.execute(
                "update leader set watermark = greatest(watermark, to_timestamp(%s::int8))",
                (60 * max(minutes) + 60,),
            )

    async def settle(self, watermark_s: int) -> None:
        while await self.store.settle(self.connection, watermark_s=watermark_s):
            pass

    async def retain(self, stream_time_s: int) -> None:
        """Drop what is old: by the leader, and by the database's own job where there is one."""
        await self.connection.execute(
            "update leader set stream_time = to_timestamp(%s::int8)", (stream_time_s,)
        )
        while await self.store.retain(self.connection, stream_time_s=stream_time_s):
            pass
        if isinstance(self.store, TimescaleRollups):
            await self.run_jobs("proc_name = 'hashgauge_retain'")

    async def run_jobs(self, which: str = "job_id >= 1000 and scheduled") -> None:
        """TimescaleDB's jobs once, in the order of their numbers."""
        jobs = f"select job_id from timescaledb_information.jobs where {which} order by job_id"
        for (job_id,) in await self.fetch(jobs):
            await self.connection.execute(f"call run_job({job_id})")  # type: ignore[arg-type]

    async def rows(self, relation: str) -> list[tuple[Any, ...]]:
        """Every row that retention keeps, ascending, with the bucket in epoch seconds."""
        key = "worker_id" if relation.startswith("worker") else "entity_id"
        columns = ", ".join((key, *SUM_COLUMNS))
        return await self.fetch(
            f"select extract(epoch from bucket)::int8, {columns} from {relation} "
            "where bucket >= coalesce("
            f"(select kept_from from retention_marks where relation = '{relation}'), '-infinity'"
            ") order by 1, 2"
        )

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return await (await self.connection.execute(query)).fetchall()  # type: ignore[arg-type]


@asynccontextmanager
async def world(url: str, policies: Policies | None = None) -> AsyncIterator[SmallPool]:
    """`url` is migrated already; the pool gets its people here."""
    async with world_of(url, policies) as pool:
        await pool.connection.execute(_PEOPLE)
        yield pool


@asynccontextmanager
async def world_of(url: str, policies: Policies | None = None) -> AsyncIterator[SmallPool]:
    """The pool of `world` on one more connection."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        store = await open_rollups(connection, policies or Policies())
        yield SmallPool(connection, store)


async def until_blocked(connection: AsyncConnection[Any]) -> None:
    """Until somebody waits for a lock that this connection holds."""
    waits = "select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
    while not (await connection.execute(waits)).rowcount:
        await asyncio.sleep(0.02)


def a_month(last_day_s: int, *, days: int, seed: int) -> list[tuple[int, list[Row], list[Row]]]:
    """Days as (day start, its rows in a stream, rows up to 48 h late), oldest day first.

    Two minutes of every sixth hour; workers come and go.
    """
    rng = np.random.default_rng(seed)
    month = []
    for day_s in range(last_day_s - (days - 1) * 86_400, last_day_s + 1, 86_400):
        minutes = sorted(
            day_s + hour * 3_600 + int(minute) * 60
            for hour in range(0, 24, 6)
            for minute in rng.choice(60, 2, replace=False)
        )
        rows = [
            _row(rng, minute_s, int(worker))
            for minute_s in minutes
            for worker in rng.choice(WORKERS, rng.integers(1, 6), replace=False) + 1
        ]
        late = [
            _row(rng, day_s - int(rng.integers(0, 48 * 60)) * 60, int(rng.integers(1, WORKERS + 1)))
            for _ in range(6)
        ]
        month.append((day_s, rows, list({(r.minute_s, r.worker_id): r for r in late}.values())))
    return month


def _row(rng: np.random.Generator, minute_s: int, worker_id: int) -> Row:
    reasons = rng.integers(1, 9, REASONS) * (rng.random(REASONS) < 0.1)
    accepted = int(rng.integers(1, 2**32))
    return Row(minute_s, worker_id, accepted, tuple(int(value) for value in reasons))


def _dirty(rows: Iterable[Row], *, named: bool) -> list[Dirty]:
    workers: dict[int, set[int]] = {}
    for row in rows:
        workers.setdefault(row.minute_s, set()).add(row.worker_id)
    return [
        Dirty(minute_s, tuple(sorted(ids)) if named else None) for minute_s, ids in workers.items()
    ]


def midnight_s(ago: timedelta) -> int:
    """The last UTC midnight at least `ago` before now: policies of TimescaleDB go by its clock."""
    moment = datetime.now(UTC) - ago
    return int(moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
