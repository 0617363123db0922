"""The loop of intake: claim, fetch, process, flush."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.checkpoint import Checkpoint
from aggregator.intake.config import IntakeConfig
from aggregator.intake.flush import Flushed, Writer
from aggregator.intake.flusher import Flusher
from aggregator.intake.maintenance import Maintenance
from aggregator.intake.monitoring import IntakeMonitor
from aggregator.intake.partitions.assignment import Assignment
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.intake.pipeline import Fetch, Pipeline, PipelineParts
from aggregator.intake.tasks import cancelled, unless_stopped
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.retry import DatabaseRetry
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.dead_letters.sink import DeadLetterSink
from ingest.decode.decoder import Decoder
from ingest.errors import FatalError, RetryableError
from ingest.kafka.consumer import Consumer
from schemas.runtime.clock import Clock, SystemClock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What intake is wired with."""

    pool: AsyncConnectionPool[Any]
    consumer: Consumer
    dead_letters: DeadLetterSink
    decoder: Decoder
    dead_letter_limit: DeadLetterLimit


class Intake:
    """One process's intake. `run` owns everything in here; a rebalance interrupts it only through
    `Assignment.generation`, which voids what is under way.

    A turn: 1 claim what was assigned, 2 fetch, 3 process the fetch (see `Pipeline`), 4 flush if it
    is due and the flush before is done.
    """

    def __init__(
        self,
        config: IntakeConfig,
        parts: IntakeParts,
        *,
        clock: Clock | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._config = config
        self._consumer = parts.consumer
        self._clock = clock or SystemClock()
        self._database = DatabaseRetry(parts.pool, config.database_retry)
        self._partitions = AssignedPartitions(config)
        registry = registry or Registry(config)
        self._assignment = Assignment(
            config, parts.consumer, self._database, partitions=self._partitions, clock=self._clock
        )
        self._flusher = Flusher(
            Writer(config, registry, self._clock),
            self._database,
            parts.dead_letters,
            clock=self._clock,
        )
        self.monitor = IntakeMonitor(config, self._partitions, self._database, self._flusher)
        self._pipeline = Pipeline(
            config,
            PipelineParts(
                database=self._database,
                assignment=self._assignment,
                partitions=self._partitions,
                registry=registry,
                decoder=parts.decoder,
                dead_letter_limit=parts.dead_letter_limit,
                monitor=self.monitor,
                clock=self._clock,
            ),
        )
        self._maintenance = Maintenance(config, registry, self._clock)
        self._fetching: asyncio.Task[Fetch] | None = None
        self._flushed_at_s = self._committed_at_s = self._clock.monotonic_s()
        self._fatal: FatalError | None = None
        # A rebalance and the end of `run` may come at once: the second finds nothing left to flush.
        self._revoking = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what was collected is flushed and the group is left.

        Raises FatalError (Fenced among them) if going on would break a promise.
        """
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._start(stopping)
            while not stopping.done():
                await self._turn(stopping)
            await self._on_revoked(())
            self._raise_fatal()
        finally:
            stopping.cancel()
            await self._close()

    async def _start(self, stopping: asyncio.Task[bool]) -> None:
        while not stopping.done():
            try:
                await self._consumer.start(self._on_revoked, self._on_assigned)
            except RetryableError as error:
                self.monitor.broker(str(error))
                await asyncio.wait({stopping}, timeout=self._config.retry_longest_s)
            else:
                self.monitor.broker("")
                return

    async def _turn(self, stopping: asyncio.Task[bool]) -> None:
        self._raise_fatal()
        self._flusher.check()
        if self._assignment.pending:
            await unless_stopped(stopping, self._assignment.claim())
            if not self._assignment.pending:
                self.monitor.claimed()
        if self._is_full():
            await self._wait_for_flush(stopping)
        else:
            fetch = await self._fetch(stopping)
            if fetch is not None:
                await unless_stopped(stopping, self._pipeline.process(fetch))
        self._flush_if_due()
        await self._commit_if_due()

    async def _fetch(self, stopping: asyncio.Task[bool]) -> Fetch | None:
        """The next fetch; None if there is none yet.

        During a rebalance aiokafka does not answer; the fetch then goes on over several turns.
        """
        self._partitions.outages.ask(self._clock.now_ms())
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_once())
        await asyncio.wait(
            {self._fetching, stopping},
            timeout=self._config.heartbeat_interval_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not self._fetching.done():
            return None
        fetching, self._fetching = self._fetching, None
        try:
            # An empty one proves nothing: aiokafka returns that while the broker is away. The
            # monitor looks at the age of the newest fetches.
            return fetching.result()
        except RetryableError as error:
            self.monitor.broker(str(error))
            await asyncio.sleep(self._config.retry_first_s)
            return None

    async def _fetch_once(self) -> Fetch:
        # Nothing may be awaited between the fetch and the look at the generation.
        fetched = await self._consumer.fetch(
            self._config.fetch_timeout_s, self._config.fetch_records
        )
        return Fetch(self._assignment.generation, fetched)

    def _is_full(self) -> bool:
        config, checkpoint = self._config, self._pipeline.checkpoint
        return (
            checkpoint.shares >= config.buffered_shares
            or checkpoint.dead_letter_bytes >= config.buffered_dead_letter_bytes
        )

    async def _wait_for_flush(self, stopping: asyncio.Task[bool]) -> None:
        """Fetch nothing until the flush under way is done: memory is bounded."""
        if self._flusher.busy:
            await self._flusher.wait(stopping)
        else:
            await asyncio.sleep(self._config.fetch_timeout_s)

    def _flush_if_due(self) -> None:
        if self._flusher.busy or self._revoking.locked() or not len(self._partitions):
            return
        config, waited_s = self._config, self._clock.monotonic_s() - self._flushed_at_s
        idle = all(state.last is None for state in self._partitions)
        due_s = config.heartbeat_interval_s if idle else config.flush_interval_s
        large = self._pipeline.checkpoint.shares >= config.flush_shares
        if waited_s >= due_s or large or self._is_full():
            self._flush()

    def _flush(self) -> None:
        stream = self._assignment.stream
        assert stream is not None
        checkpoint = self._pipeline.seal()
        self.monitor.sealed(checkpoint)
        self._flushed_at_s = self._clock.monotonic_s()
        self._flusher.start(stream, checkpoint, self._after_flush)

    async def _after_flush(self, checkpoint: Checkpoint, flushed: Flushed, took_s: float) -> None:
        self._partitions.stored(flushed.stream_ms)
        self.monitor.flushed(checkpoint, flushed, took_s)
        self._pipeline.flushed()
        if self._maintenance.due:
            await self._database.run(self._maintenance.run)

    async def _commit_if_due(self) -> None:
        """Kafka's own offsets, for lag tools; a restart reads the database."""
        now_s = self._clock.monotonic_s()
        if self._flusher.busy or now_s - self._committed_at_s < self._config.commit_interval_s:
            return
        self._committed_at_s = now_s
        await self._consumer.commit(
            {state.partition: state.flushed_to for state in self._partitions}
        )

    def _on_assigned(self, partitions: Collection[int]) -> None:
        self._assignment.assigned(partitions)
        self.monitor.rebalanced(len(partitions))

    async def _on_revoked(self, _partitions: Collection[int]) -> None:
        """Flush what was collected, within bounds; the next owner reads the rest again.

        Called by aiokafka, which lets the group wait for it, and at the end of `run`.
        """
        self._assignment.revoked()
        async with self._revoking:
            try:
                async with asyncio.timeout(self._config.revoke_flush_s):
                    await self._flush_last()
            except TimeoutError:
                log.warning("unflushed_dropped", because=self.monitor.why_not_ready())
            except FatalError as error:
                self._fatal = error
            finally:
                await self._flusher.abandon()
                self._partitions.clear()
                self._pipeline.clear()

    async def _flush_last(self) -> None:
        await self._flusher.finish()
        if len(self._partitions):
            self._flush()
            await self._flusher.finish()

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal

    async def _close(self) -> None:
        if self._fetching is not None:
            await cancelled(self._fetching)
        await self._flusher.abandon()
        await self._consumer.stop()
