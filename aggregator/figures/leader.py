"""The figures leader: one process at a time beats, the others stand by.

stand by ──lease──▶ (replay) rebuild ──▶ beat, beat ... ──lease lost, error, stop──▶ stand by
                                  │ renewals run beside, on a connection of their own
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import (
    IdleInTransactionSessionTimeout,
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedTable,
)
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from aggregator.figures import current
from aggregator.figures.beat import Beat, BeatReport, WindowsAheadError
from aggregator.figures.config import FiguresConfig
from aggregator.figures.lease import Lease, LeaseLostError
from aggregator.figures.old_events import OldEvents
from aggregator.figures.rebuild import rebuild
from aggregator.figures.replays import take_up_replay
from aggregator.figures.rollups import RollupStore, open_rollups
from aggregator.figures.schedule import until_next_beat_s
from aggregator.figures.state import FiguresState
from ingest.errors import FatalError
from schemas.clock import Clock
from schemas.metrics import gauge, histogram
from schemas.spans import span
from schemas.windows import MINUTE_S

log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]

# What goes away by itself: the connection, the server, locks, a full disk, and having been frozen
# (which psycopg does not count as operational).
_PASSING: Final = (OperationalError, IdleInTransactionSessionTimeout, PoolTimeout)
# What only a person can mend.
_FATAL: Final = (UndefinedTable, UndefinedColumn, InsufficientPrivilege)


class FiguresLeader:
    """Stage 2 as a service. `run` is to be called once; `ready` says that figures are current."""

    def __init__(self, config: FiguresConfig, pool: AsyncConnectionPool[Any], clock: Clock) -> None:
        self._config = config
        self._pool = pool
        self._clock = clock
        self._lease = Lease(config.holder, lease_s=config.lease_s)
        self._ready = False
        self._complete_to_s = 0
        self._retained_to_s = 0.0
        self.beats = 0

    @property
    def leads(self) -> bool:
        return self._lease.epoch is not None

    @property
    def ready(self) -> bool:
        """It leads and the last beat was written, or somebody else leads and this one stands by."""
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
            except _FATAL as error:
                raise FatalError(f"{error}".strip()) from error
            except _PASSING as error:
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
        """Until stop, an error, or the lease is lost; what runs beside the beats ends with them."""
        rollups = await open_rollups(connection, self._config.policies)
        tasks = [
            asyncio.create_task(self._beat(connection, rollups, stop)),
            asyncio.create_task(self._renew()),
            asyncio.create_task(self._settle(rollups)),
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
        """Keeps the lease through long beats. An error here is not the end: the beat will tell."""
        while True:
            await asyncio.sleep(self._config.renew_s)
            try:
                async with self._pool.connection() as connection:
                    await self._lease.renew(connection)
            except _PASSING as error:
                log.warning("lease_not_renewed", error=str(error).strip())

    async def _settle(self, rollups: RollupStore) -> None:
        """Refreshes that need no beat and may take longer than one."""
        while True:
            await asyncio.sleep(self._config.settle_every_s)
            try:
                async with self._pool.connection() as connection:
                    await connection.set_autocommit(True)
                    try:
                        await rollups.settle(connection, complete_to_s=self._complete_to_s)
                    finally:
                        await connection.set_autocommit(False)
            except _PASSING as error:
                log.warning("rollups_not_settled", error=str(error).strip())

    async def _beat(
        self, connection: Connection, rollups: RollupStore, stop: asyncio.Event
    ) -> None:
        await current.prepare(connection)
        beat = Beat(connection, lease=self._lease, rollups=rollups, config=self._config)
        events = OldEvents(self._config.policies.keep_events)
        state = await self._rebuilt(connection, rollups, stop)
        while state is not None and not stop.is_set():
            began_s, began = self._clock.now_ms() / 1_000, self._clock.monotonic_s()
            try:
                with span("beat"):
                    report = await beat.run(state)
            except _PASSING as error:
                # A broken connection leaves open whether the commit went through: start afresh.
                if connection.broken:
                    raise
                self._set_ready(False)
                log.warning("beat_failed", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)
                continue
            took_s = self._clock.monotonic_s() - began
            self._note(report, took_s)
            if report is not None:
                await self._retain(connection, (rollups, events), report)
            await self._wait(report, began_s, took_s, stop)

    async def _rebuilt(
        self, connection: Connection, rollups: RollupStore, stop: asyncio.Event
    ) -> FiguresState | None:
        """None when it was told to stop before there was a stream."""
        # Refreshes would take up what a replay has not counted yet.
        self._complete_to_s = 0
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
        told = False
        while not stop.is_set() and not await take_up_replay(connection, self._lease, rollups):
            if not told:
                log.info("replay_awaited")
            told = True
            await _sleep(self._config.standby_poll_s, stop)

    def _note(self, report: BeatReport | None, took_s: float) -> None:
        self._set_ready(True)
        self.beats += 1
        if report is None:
            return
        self._complete_to_s = report.complete_to * MINUTE_S
        histogram("beat_seconds").observe(took_s)
        gauge("figures_complete_to_seconds").set(self._complete_to_s)
        log.info(
            "beat",
            complete_to=self._complete_to_s,
            minutes=report.minutes,
            rows_read=report.rows_read,
            rows_written=report.rows_written,
            took_ms=round(took_s * 1_000),
        )

    async def _retain(
        self, connection: Connection, stores: Sequence[RollupStore | OldEvents], report: BeatReport
    ) -> None:
        """Old rows go once an hour of stream time, a batch after each beat until none is left."""
        if report.stream_s - self._retained_to_s >= self._config.retain_every_s:
            stream_time_s = int(report.stream_s)
            left = [await one.retain(connection, stream_time_s=stream_time_s) for one in stores]
            if not any(left):
                self._retained_to_s = report.stream_s

    async def _wait(
        self, report: BeatReport | None, began_s: float, took_s: float, stop: asyncio.Event
    ) -> None:
        if report is not None and report.behind:
            return
        if self._config.clock == "records":
            await _sleep(max(self._config.records_poll_s, took_s), stop)
            return
        now_s = self._clock.now_ms() / 1_000
        await _sleep(until_next_beat_s(began_s, took_s, now_s, self._config), stop)

    def _set_ready(self, ready: bool) -> None:
        self._ready = ready
        gauge("figures_leads").set(int(self.leads))


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Until the time is over or `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
