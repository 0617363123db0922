"""One term of a figures leader, cycle by cycle, as tests drive it, under the aggregator's role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures import ring_buckets
from aggregator.figures.config import FiguresConfig
from aggregator.figures.cycle import Cycle, CycleReport, WindowsAheadError
from aggregator.figures.publish import snapshot
from aggregator.figures.rollups.store import open_rollups
from aggregator.figures.startup import rebuild
from aggregator.figures.state import FiguresState
from aggregator.postgres.lease import Lease
from deploy.database.roles import AGGREGATOR
from tests.integration.figures.fake_intake import FakeIntake, Work

WINDOW_COLUMNS = tuple(
    f"{side}_{window}" for window in ("15m", "1h", "1d", "1w") for side in ("accepted", "rejected")
)


@asynccontextmanager
async def as_aggregator(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """A superuser's connection has no more than the aggregator's rights here."""
    await connection.execute(f"set role {AGGREGATOR}".encode())
    try:
        yield
    finally:
        await connection.execute("reset role")


class Term:
    """Takes the lease at once, whoever held it; `cycle` rebuilds first where that is due."""

    def __init__(self, connection: AsyncConnection[Any], config: FiguresConfig) -> None:
        self.connection = connection
        self.lease = Lease("test", lease_s=-3_600.0)
        self._config = config
        self.state: FiguresState | None = None

    @classmethod
    async def begin(
        cls, connection: AsyncConnection[Any], config: FiguresConfig | None = None
    ) -> Term:
        term = cls(connection, config or FiguresConfig(clock="records"))
        async with as_aggregator(connection):
            assert await term.lease.acquire(connection)
            await snapshot.prepare(connection)
        return term

    async def cycle(self) -> CycleReport:
        """Until nothing is left behind; the last report."""
        while (report := await self.cycle_once()).more_to_read:
            pass
        return report

    async def keep_buckets(self) -> None:
        """All that are missing, as the leader does one a cycle."""
        assert self.state is not None
        async with as_aggregator(self.connection):
            await ring_buckets.keep(self.connection, self.lease, self.state, at_most=1_000)

    async def cycle_once(self) -> CycleReport:
        """As much as the budget of one cycle lets it."""
        async with as_aggregator(self.connection):
            return await self._cycle()

    async def _cycle(self) -> CycleReport:
        rollups = await open_rollups(self.connection, self._config.policies)
        cycle = Cycle(self.connection, lease=self.lease, rollups=rollups, config=self._config)
        if self.state is None:
            self.state = await rebuild(self.connection, rollups)
        assert self.state is not None
        try:
            report = await cycle.run(self.state)
        except WindowsAheadError:
            self.state = None
            return await self._cycle()
        assert report is not None
        return report

    async def cycle_over(
        self, intake: FakeIntake, work: list[Work], *, step: int
    ) -> dict[str, list[tuple[Any, ...]]]:
        """Flush `work` `step` minutes at a time, with a cycle after each; what came out."""
        last = 1 + max(row.minute for row in work)
        for start in range(0, last, step):
            end = min(start + step, last)
            part = [row for row in work if start <= row.minute < end]
            await intake.flush(part, stream=end)
            await self.cycle()
        return await answers(self.connection)


async def answers(connection: AsyncConnection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the API answers from, but for the wall clock's marks."""
    queries = {
        "worker_figures": "select * from worker_figures order by worker_id",
        "entity_figures": "select * from entity_figures order by entity_id",
        "status_counts": "select * from status_counts order by entity_id, status",
        "entity_minutes": "select * from entity_minutes order by entity_id, bucket",
        "worker_minutes": "select * from worker_minutes order by worker_id, bucket",
        "worker_15m": "select * from worker_15m order by worker_id, bucket",
        "worker_1h": "select * from worker_1h order by worker_id, bucket",
        "worker_1d": "select * from worker_1d order by worker_id, bucket",
        "entity_1h": "select * from entity_1h order by entity_id, bucket",
        "events": (
            "select event_id, kind, at, worker_id, transition_number, from_status, to_status, "
            "cause from events order by worker_id, transition_number"
        ),
        "leader": "select stream_time, watermark from leader",
    }
    found = {}
    for name, query in queries.items():
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(query)
            found[name] = await cursor.fetchall()
    return found


async def windows_of(connection: AsyncConnection[Any], table: str, key: int) -> dict[str, float]:
    """The window columns of one row of `worker_figures` or `entity_figures`."""
    id_column = "worker_id" if table == "worker_figures" else "entity_id"
    cursor = await connection.execute(
        f"select {', '.join(WINDOW_COLUMNS)} from {table} where {id_column} = %s", (key,)
    )
    row = await cursor.fetchone()
    assert row is not None
    return dict(zip(WINDOW_COLUMNS, row, strict=True))
