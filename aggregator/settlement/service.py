"""Settlement as a service: one process at a time follows the chain and settles what is due.

stand by ──lease──▶ follow the chain ▸ settle what is due ▸ correct ▸ wait ─┐ ──lease lost, stop──▶
                        ▲───────────────────────────────────────────────────┘
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from aggregator.chain.config import ChainConfig
from aggregator.chain.follow import OtherChainError, follow
from aggregator.chain.json_rpc import NodeError
from aggregator.chain.source import BlockSource
from aggregator.ledger.check import check
from aggregator.postgres.errors import FATAL, PASSING
from aggregator.postgres.lease import Lease, LeaseLostError
from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.correct import correct_lately
from aggregator.settlement.days import Waits, coming_in, note, settle_due
from aggregator.settlement.freeze import bounds
from aggregator.settlement.transactions import Transaction, begin
from ingest.errors import FatalError
from schemas.runtime.clock import Clock
from schemas.runtime.metrics import end_term, gauge

# Shares of a day that is due are on their way no more if so many looks in a row saw none.
_QUIET_LOOKS: Final = 3
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]
OpenSource = Callable[[], contextlib.AbstractAsyncContextManager[BlockSource | None]]


class Settlement:
    """`run` is to be called once."""

    def __init__(
        self,
        config: SettlementConfig,
        chain: ChainConfig,
        pool: AsyncConnectionPool[Any],
        clock: Clock,
        open_source: OpenSource,
    ) -> None:
        self._config = config
        self._chain = chain
        self._pool = pool
        self._clock = clock
        self._open_source = open_source
        self._lease = Lease(config.holder, lease_s=config.lease_s, table="settlement_leader")
        self._waits = Waits(None, "")
        self._quiet_looks = 0
        self._checked_day: object = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. FatalError for what waiting does not mend."""
        while not stop.is_set():
            try:
                async with self._connection() as connection, self._open_source() as source:
                    while not stop.is_set() and not await self._lease.acquire(connection):
                        await _sleep(self._config.poll_s, stop)
                    if self._lease.epoch is not None:
                        await self._lead(connection, source, stop)
            except LeaseLostError:
                log.warning("settlement_lease_lost", holder=self._config.holder)
                self._lease.epoch = None
            except FATAL as error:
                raise FatalError(f"{error}".strip()) from error
            except PASSING as error:
                log.warning("settlement_waits", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)

    async def _lead(
        self, connection: Connection, source: BlockSource | None, stop: asyncio.Event
    ) -> None:
        """One term: until stop, an error, or the lease is lost."""
        renewals = asyncio.create_task(self._renew())
        looks = asyncio.create_task(self._look_again(connection, source, stop))
        try:
            await asyncio.wait([renewals, looks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (renewals, looks):
                task.cancel()
            results = await asyncio.gather(renewals, looks, return_exceptions=True)
            end_term("settlement_next_day_seconds", "ledger_problems")
            self._checked_day = None
        for result in results:
            if isinstance(result, Exception):
                raise result
        await self._lease.release(connection)
        self._lease.epoch = None

    async def _look_again(
        self, connection: Connection, source: BlockSource | None, stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            await self.look(connection, source)
            await _sleep(self._config.poll_s, stop)

    async def look(self, connection: Connection, source: BlockSource | None) -> Waits:
        """Follow the chain, settle what is due, and say what the next day waits for."""
        if source is not None:
            await self._follow(connection, source)
        now = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)

        transaction = self._fenced(connection)
        incoming = await coming_in(connection, self._config)
        self._quiet_looks = 0 if incoming else self._quiet_looks + 1
        waits = await settle_due(
            connection,
            self._config,
            now=now,
            transaction=transaction,
            may_freeze=self._quiet_looks >= _QUIET_LOOKS,
        )
        async with transaction():
            await note(connection, waits, now=now)
        if self._config.correct_up_to_sat and waits.day != self._waits.day:
            await correct_lately(connection, self._config, now=now, transaction=transaction)
        await self._publish(connection, waits, now)
        return waits

    def _fenced(self, connection: Connection) -> Transaction:
        """Transactions that hold the lease to their end."""

        @contextlib.asynccontextmanager
        async def transaction(*, snapshot: bool = False) -> AsyncIterator[None]:
            async with connection.transaction():
                await begin(connection, snapshot=snapshot)
                await self._lease.fence(connection)
                yield

        return transaction

    async def _follow(self, connection: Connection, source: BlockSource) -> None:
        try:
            await follow(connection, source, self._chain)
        except NodeError as error:
            # The chain moved meanwhile: the next look goes on.
            log.info("chain_moved", error=str(error))
        except OtherChainError as error:
            log.error("other_chain", error=str(error))

    async def _publish(self, connection: Connection, waits: Waits, now: datetime) -> None:
        """Metrics; the ledger is checked whenever a day was settled, and at the start."""
        # Before the first share nothing is late.
        start, _ = bounds(waits.day or now.date())
        gauge("settlement_next_day_seconds").set(start.timestamp())
        if waits.day != self._checked_day or self._checked_day is None:
            problems = await check(connection)
            gauge("ledger_problems").set(len(problems))
            for problem in problems:
                log.error("ledger_problem", problem=problem)
            self._checked_day = waits.day
        if waits != self._waits:
            day = None if waits.day is None else waits.day.isoformat()
            log.info("settlement_next", day=day, waits_for=waits.reason)
            self._waits = waits

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._config.lease_s / 3)
            async with self._pool.connection() as connection:
                await self._lease.renew(connection)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection:
            await connection.set_autocommit(True)
            try:
                yield connection
            except BaseException:
                # In whatever state: the next term has a new one.
                await connection.close()
                raise
            await connection.set_autocommit(False)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
