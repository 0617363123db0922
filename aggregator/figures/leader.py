"""The figures leader: one process at a time cycles, the others stand by.

stand by ──lease──▶ (replay) rebuild ──▶ cycle, cycle ... ──lease lost, error, stop──▶ stand by
                                  │ renewals run beside, on a connection of their own
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from aggregator.figures import ring_buckets
from aggregator.figures.config import FiguresConfig
from aggregator.figures.cycle import Cycle, CycleReport, WindowsAheadError
from aggregator.figures.publish import snapshot
from aggregator.figures.rollups.event_retention import OldEvents
from aggregator.figures.rollups.store import RollupStore, open_rollups
from aggregator.figures.schedule import PastCycle, Schedule
from aggregator.figures.startup import rebuild
from aggregator.figures.state import FiguresState
from aggregator.postgres.errors import FATAL, PASSING
from aggregator.postgres.lease import Lease, LeaseLostError
from aggregator.replay.completion import complete_replay
from ingest.errors import FatalError
from schemas.runtime.clock import Clock
from schemas.runtime.metrics import end_term, gauge, histogram
from schemas.runtime.tracing import span
from schemas.windows import MINUTE_S

log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]


class FiguresLeader:
    """Stage 2 as a service. `run` is called once; `ready` says whether figures are published."""

    def __init__(self, config: FiguresConfig, pool: AsyncConnectionPool[Any], clock: Clock) -> None:
        self._config = config
        self._pool = pool
        self._clock = clock
        self._lease = Lease(config.holder, lease_s=config.lease_s)
        self._ready = False
        self._watermark_s = 0
        self._retained_to_s = 0.0
        self.cycles = 0

    @property
    def leads(self) -> bool:
        return self._lease.epoch is not None

    @property
    def ready(self) -> bool:
        """It leads and its last cycle was written, or another process leads and it stands by."""
        return self._ready

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. FatalError for what waiting does not mend."""
        while not stop.is_set():
            try:
                async with self._connection() as connection:
                    await self._stand_by(connection, stop)
                    if self.leads:
                        await self._lead(connection, stop)
            except LeaseLostError:
                log.warning("lease_lost", holder=self._config.holder)
                self._lease.epoch = None
            except WindowsAheadError:
                log.warning("windows_ahead")
            except FATAL as error:
                raise FatalError(f"{error}".strip()) from error
            except PASSING as error:
                log.warning("database_away", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)
            finally:
                self._set_ready(False)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """One connection for a term as leader, with the limits that protect the next leader."""
        config = self._config
        async with self._pool.connection() as connection:
            connection.row_factory = tuple_row
            await connection.set_autocommit(True)
            settings = {
                "idle_in_transaction_session_timeout": f"{config.idle_in_transaction_s}s",
                "lock_timeout": f"{config.lock_timeout_s}s",
                "work_mem": "64MB",
                "jit": "off",
                "application_name": f"hashgauge figures {config.holder}",
            }
            for name, value in settings.items():
                await connection.execute("select set_config(%s, %s, false)", (name, value))
            try:
                yield connection
            except BaseException:
                # In whatever state: the next term has a new one.
                await connection.close()
                raise
            # Settings and temporary tables are nobody else's.
            await connection.execute("discard all")
            await connection.set_autocommit(False)

    async def _stand_by(self, connection: Connection, stop: asyncio.Event) -> None:
        while not stop.is_set() and not self.leads and not await self._lease.acquire(connection):
            self._set_ready(True)
            await _sleep(self._config.standby_poll_s, stop)
        self._set_ready(False)

    async def _lead(self, connection: Connection, stop: asyncio.Event) -> None:
        """Until stop, an error, or the lease is lost; tasks beside the cycles end with them."""
        rollups = await open_rollups(connection, self._config.policies)
        tasks = [
            asyncio.create_task(self._cycle(connection, rollups, stop)),
            asyncio.create_task(self._renew()),
            asyncio.create_task(self._refresh(rollups)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        await self._lease.release(connection)

    async def _renew(self) -> None:
        """Keeps the lease through long cycles. An error here is left for the cycle to meet."""
        while True:
            await asyncio.sleep(self._config.renew_s)
            try:
                async with self._pool.connection() as connection:
                    await self._lease.renew(connection)
            except PASSING as error:
                log.warning("lease_not_renewed", error=str(error).strip())

    async def _refresh(self, rollups: RollupStore) -> None:
        """Refreshes that need no cycle and may take longer than one."""
        while True:
            await asyncio.sleep(self._config.refresh_every_s)
            try:
                async with self._pool.connection() as connection:
                    await connection.set_autocommit(True)
                    try:
                        await rollups.settle(connection, watermark_s=self._watermark_s)
                    finally:
                        await connection.set_autocommit(False)
            except PASSING as error:
                log.warning("rollups_not_refreshed", error=str(error).strip())

    async def _cycle(
        self, connection: Connection, rollups: RollupStore, stop: asyncio.Event
    ) -> None:
        await snapshot.prepare(connection)
        cycle = Cycle(connection, lease=self._lease, rollups=rollups, config=self._config)
        events = OldEvents(self._config.policies.keep_events)
        schedule = Schedule(self._config)
        state = await self._rebuilt(connection, rollups, stop)
        while state is not None and not stop.is_set():
            began_s, began = self._clock.now_ms() / 1_000, self._clock.monotonic_s()
            try:
                with span("cycle"):
                    report = await cycle.run(state)
            except PASSING as error:
                # A broken connection leaves open whether the commit went through: start afresh.
                if connection.broken:
                    raise
                self._set_ready(False)
                log.warning("cycle_failed", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)
                continue
            took_s = self._clock.monotonic_s() - began
            self._note(report, took_s)
            if report is not None:
                schedule.note(PastCycle(began_s, took_s), watermark=report.watermark)
                await ring_buckets.keep(connection, self._lease, state)
                await self._retain(connection, (rollups, events), report)
            await self._wait(report, took_s, schedule, stop)

    async def _rebuilt(
        self, connection: Connection, rollups: RollupStore, stop: asyncio.Event
    ) -> FiguresState | None:
        """None if it has to stop before there is a stream."""
        # Refreshes would take up what a replay has not counted yet.
        self._watermark_s = 0
        await self._await_replay(connection, rollups, stop)
        while not stop.is_set():
            state = await rebuild(connection, rollups)
            if state is not None:
                return state
            # A new installation, before its first share: nothing is wrong.
            self._set_ready(True)
            await _sleep(self._config.records_poll_s, stop)
        return None

    async def _await_replay(
        self, connection: Connection, rollups: RollupStore, stop: asyncio.Event
    ) -> None:
        """A topic that is counted anew: until it is, figures stay as they are. One that begins
        later ends this term."""
        logged = False
        while not stop.is_set() and not await complete_replay(connection, self._lease, rollups):
            if not logged:
                log.info("replay_awaited")
            logged = True
            await _sleep(self._config.standby_poll_s, stop)

    def _note(self, report: CycleReport | None, took_s: float) -> None:
        self._set_ready(True)
        self.cycles += 1
        if report is None:
            return
        self._watermark_s = report.watermark * MINUTE_S
        histogram("cycle_seconds").observe(took_s)
        gauge("figures_watermark_seconds").set(self._watermark_s)
        log.info(
            "cycle",
            watermark=self._watermark_s,
            minutes=report.minutes,
            rows_read=report.rows_read,
            rows_written=report.rows_written,
            took_ms=round(took_s * 1_000),
        )

    async def _retain(
        self, connection: Connection, stores: Sequence[RollupStore | OldEvents], report: CycleReport
    ) -> None:
        """Old rows go once an hour of stream time, some after each cycle until none is left.

        As many batches as fit into a few seconds: one of 50,000 rows a cycle would leave a pool of
        more than 200,000 workers with a table that grows for good.
        """
        if report.stream_s - self._retained_to_s < self._config.retain_every_s:
            return
        stream_time_s, began_s = int(report.stream_s), self._clock.monotonic_s()
        while self._clock.monotonic_s() - began_s < self._config.retain_budget_s:
            left = [await one.retain(connection, stream_time_s=stream_time_s) for one in stores]
            if not any(left):
                self._retained_to_s = report.stream_s
                return

    async def _wait(
        self, report: CycleReport | None, took_s: float, schedule: Schedule, stop: asyncio.Event
    ) -> None:
        if report is not None and report.more_to_read:
            return
        if report is None or self._config.clock == "records":
            await _sleep(max(self._config.records_poll_s, took_s), stop)
            return
        await _sleep(schedule.wait_s(self._clock.now_ms() / 1_000), stop)

    def _set_ready(self, ready: bool) -> None:
        self._ready = ready
        gauge("figures_leads").set(int(self.leads))
        if not self.leads:
            end_term("sources_silent", "rollups_waiting", "workers")


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Until the time is over or `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
