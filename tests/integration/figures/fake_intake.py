"""What intake leaves in the database, without intake: workers, minutes, stream time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from aggregator.figures.minutes.merge import merge_flushed
from aggregator.postgres.lease import Lease
from schemas.rollups import SUM_COLUMNS

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A midnight, so that all buckets begin here."""


_COLUMNS = ", ".join(
    ("bucket", "worker_id", "miner_id", "operator_id", "source_id", "last_share_at", *SUM_COLUMNS)
)
COUNTED = (
    f"(select {_COLUMNS} from worker_minutes union all select {_COLUMNS} from flushed_minutes)"
    " as counted"
)
"""What intake has committed, merged or not; a worker and minute may have several rows."""


def at(minute: float) -> datetime:
    """The instant `minute` minutes after START."""
    return START + timedelta(minutes=minute)


async def merge_now(connection: AsyncConnection[Any]) -> None:
    """What a leader does first in a cycle, in its name where there is one."""
    lease = Lease("test", lease_s=1.0)
    row = await (await connection.execute("select epoch from leader")).fetchone()
    assert row is not None
    lease.epoch = row[0]
    await merge_flushed(connection, lease, late_before=0)


@dataclass(frozen=True, slots=True)
class Work:
    """One worker minute; `minute` counts from START."""

    minute: int
    worker: int
    accepted: float
    rejected: float = 0.0
    shares: int = 3
    second: int = 30
    source: int | None = None


class FakeIntake:
    """Appends minutes as a flush does: rows and stream time in one transaction."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection
        self._miner_of: dict[int, tuple[int, int | None]] = {}

    async def set_up(self, *, miners: int = 2, workers: int = 4) -> None:
        """A pool, an operator with the first miner, and workers 1.. dealt out to the miners."""
        execute = self._connection.execute
        await execute("insert into pools (id, title) values (1, 'pool')")
        await execute("insert into operators (id, pool_id, title) values (2, 1, 'operator')")
        await execute("select setval('entity_ids', 2)")
        miner_ids = []
        for number in range(miners):
            operator = 2 if number == 0 else None
            cursor = await execute(
                "insert into miners (account_name, pool_id, operator_id) "
                "values (%s, 1, %s) returning id",
                (f"miner{number}", operator),
            )
            row = await cursor.fetchone()
            assert row is not None
            miner_ids.append((row[0], operator))
        for number in range(workers):
            miner_id, operator = miner_ids[number % miners]
            cursor = await execute(
                "insert into workers (miner_id, name) values (%s, %s) returning id",
                (miner_id, f"rig{number}"),
            )
            row = await cursor.fetchone()
            assert row is not None
            self._miner_of[row[0]] = (miner_id, operator)
        await execute("insert into sources (name) values ('eu'), ('us')")
        await execute(
            "insert into intake_stream (cluster_id, topic, clock) values ('c', 'shares', 'wall')"
        )
        await execute(
            "insert into intake_partitions (cluster_id, topic, partition, next_offset) "
            "values ('c', 'shares', 0, 0)"
        )

    def move(self, miner_id: int, operator_id: int | None) -> None:
        """Intake has noticed that the miner belongs to another operator."""
        for worker in self.workers_of(miner_id):
            self._miner_of[worker] = (miner_id, operator_id)

    def workers_of(self, miner_id: int) -> list[int]:
        return [worker for worker, (owner, _) in self._miner_of.items() if owner == miner_id]

    @property
    def workers(self) -> list[int]:
        return list(self._miner_of)

    async def flush(
        self,
        work: list[Work],
        *,
        stream: float | None = None,
        outage: tuple[float, float] | None = None,
    ) -> None:
        """Add `work` to what is there; the stream comes to `stream` minutes after START. `outage`:
        the broker was away between these minutes."""
        async with self._connection.transaction():
            for row in work:
                await self._append(row)
            if stream is not None:
                await self._connection.execute(
                    "update intake_partitions set stream_time = %s", (at(stream),)
                )
            if outage is not None:
                await self._connection.execute(
                    "update intake_partitions set outage_from = %s, resumed_at = %s",
                    (at(outage[0]), at(outage[1])),
                )

    async def list_whole(self, minute: int) -> None:
        """Have the leader read a minute of all workers, late as it may be."""
        await self._connection.execute(
            "insert into dirty_minutes (bucket) values (%s)", (at(minute),)
        )

    async def _append(self, row: Work) -> None:
        miner_id, operator = self._miner_of[row.worker]
        await self._connection.execute(
            "insert into flushed_minutes (bucket, worker_id, miner_id, operator_id, source_id, "
            "accepted_count, rejected_count, accepted, rejected, last_share_at, stale) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, nullif(%s::float8, 0))",
            (
                at(row.minute),
                row.worker,
                miner_id,
                operator,
                row.source,
                row.shares if row.accepted else 0,
                1 if row.rejected else 0,
                row.accepted,
                row.rejected,
                at(row.minute + row.second / 60) if row.accepted else None,
                row.rejected,
            ),
        )
