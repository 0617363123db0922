"""Stage 1's loop: fetch, decode, name, collect; flush beside it; give partitions back cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg_pool import AsyncConnectionPool

from aggregator.minutes import housekeeping
from aggregator.minutes.assignment import Assignment
from aggregator.minutes.checkpoint import Checkpoint
from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.flusher import Flusher
from aggregator.minutes.holdings import Holdings
from aggregator.minutes.patience import Patience
from aggregator.minutes.registry import UNKNOWN, Registry
from aggregator.minutes.repeats import Mark, Repeats, marks_of
from aggregator.minutes.replay import replayed_marks, still_due, unsent
from aggregator.minutes.tasks import cancelled, unless_stopped
from aggregator.minutes.watch import Watch
from aggregator.minutes.writer import Flushed, Writer
from ingest.consumer import Consumer, Fetched
from ingest.dead_letter import Ceiling, LetterSink, letters_of
from ingest.decode import Decoded, Decoder
from ingest.errors import FatalError, RetryableError
from ingest.record import Record
from schemas.clock import Clock, SystemClock
from schemas.topics import Reason

log = structlog.get_logger(__name__)

# Smaller fetches decode in less time than a thread takes to start.
_THREAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What intake is wired with."""

    pool: AsyncConnectionPool[Any]
    consumer: Consumer
    dead_letters: LetterSink
    decoder: Decoder
    ceiling: Ceiling


class Intake:
    """One process's intake. `run` owns everything in here; a rebalance interrupts it only through
    `Assignment.generation`, which voids what is under way.

    Steps of a turn: 1 claim what was assigned, 2 fetch, 3 take (verify, drop repeats, decode,
    name, collect), 4 flush when it is due and the flush before is done.
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
        self._parts = parts
        self._consumer = parts.consumer
        self._clock = clock or SystemClock()
        self._patience = Patience(parts.pool, config)
        self._holdings = Holdings(config)
        self._registry = registry or Registry(config)
        self._repeats = Repeats(config)
        self._assignment = Assignment(
            config, parts.consumer, self._patience, holdings=self._holdings, clock=self._clock
        )
        self._flusher = Flusher(
            Writer(config, self._registry), self._patience, parts.dead_letters, clock=self._clock
        )
        self._chores = housekeeping.Chores(config, self._registry, self._clock)
        self._checkpoint = Checkpoint()
        self._fetching: asyncio.Task[tuple[int, Fetched]] | None = None
        self._flushed_at_s = self._committed_at_s = self._clock.monotonic_s()
        self._fatal: FatalError | None = None
        # A rebalance and the end of `run` may come at once: the second finds nothing left to flush.
        self._giving_back = asyncio.Lock()
        self.watch = Watch(self._holdings, self._patience)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what was taken is flushed and the group is left.

        Raises FatalError (Fenced among them) where going on would break a promise.
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
                self.watch.broker(str(error))
                await asyncio.wait({stopping}, timeout=self._config.retry_longest_s)
            else:
                self.watch.broker("")
                return

    async def _turn(self, stopping: asyncio.Task[bool]) -> None:
        self._raise_fatal()
        self._flusher.check()
        if self._assignment.pending:
            await unless_stopped(stopping, self._assignment.claim())
            if not self._assignment.pending:
                self.watch.claimed()
        if self._is_full():
            await self._wait_for_room(stopping)
        else:
            fetched = await self._fetch(stopping)
            if fetched is not None:
                await unless_stopped(stopping, self._take(*fetched))
        self._flush_if_due()
        await self._commit_if_due()

    async def _fetch(self, stopping: asyncio.Task[bool]) -> tuple[int, Fetched] | None:
        """The next fetch and the generation it belongs to.

        During a rebalance aiokafka does not answer; the fetch then goes on over several turns.
        """
        self._holdings.ask(self._clock.now_ms())
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
            answer = fetching.result()
        except RetryableError as error:
            self.watch.broker(str(error))
            await asyncio.sleep(self._config.retry_first_s)
            return None
        # An empty answer proves nothing: aiokafka gives one while the broker is away. The watch
        # looks at how old the newest fetches are.
        return answer

    async def _fetch_once(self) -> tuple[int, Fetched]:
        # Nothing may be awaited between the fetch and the look at the generation.
        fetched = await self._consumer.fetch(
            self._config.fetch_timeout_s, self._config.fetch_records
        )
        return self._assignment.generation, fetched

    async def _take(self, generation: int, fetched: Fetched) -> None:
        """Collect a fetch in the checkpoint, or drop it where a rebalance made it void."""
        if generation != self._assignment.generation:
            return
        records = self._holdings.accept(fetched.records)
        replays = self._holdings.replays()
        marks = marks_of(records)
        if replays:
            marks = replayed_marks(marks, records, replays)
        await self._recall(marks)
        if generation != self._assignment.generation:
            return
        fresh, sequences = self._repeats.fresh(records, marks)
        decoded = await self._decode(fresh)
        if replays:
            decoded = still_due(decoded, fresh, replays)
        batch = decoded.batch
        if len(batch):
            await self._learn(decoded)
        if generation != self._assignment.generation:
            return
        # From here on nothing is awaited: offsets and shares enter the checkpoint together.
        slot, source = self._registry.codes(batch)
        if (slot == UNKNOWN).any():
            decoded = decoded.without(slot == UNKNOWN, Reason.UNKNOWN_ACCOUNT)
            known = slot != UNKNOWN
            batch, slot, source = decoded.batch, slot[known], source[known]
        self._parts.ceiling.add(len(fresh), decoded.undecodable)
        rejects = unsent(decoded.rejects, fresh, replays) if replays else decoded.rejects
        self._checkpoint.add_letters(letters_of(rejects, fresh))
        self._checkpoint.sequences |= sequences
        self._checkpoint.add(batch, slot, source)
        self._holdings.take(fetched.records, fetched.progress, now_ms=self._clock.now_ms())
        self.watch.took(batch, len(records) - len(fresh))
        if replays:
            self.watch.replayed(len(batch), letters_kept=len(decoded.rejects) - len(rejects))

    async def _recall(self, marks: Sequence[Mark]) -> None:
        """Know the producers. What was asked before a rebalance is not remembered."""
        generation, stream = self._assignment.generation, self._assignment.stream
        missing = self._repeats.missing(marks)
        if missing and stream is not None:
            stored = await self._patience.run(lambda db: self._repeats.stored(db, stream, missing))
            if generation == self._assignment.generation:
                self._repeats.remember(stored)

    async def _decode(self, records: Sequence[Record]) -> Decoded:
        oldest_ms = self._oldest_ms()
        decode = self._parts.decoder.decode
        if sum(len(record.value or b"") for record in records) < _THREAD_BYTES:
            return decode(records, oldest_ms=oldest_ms)
        return await asyncio.to_thread(decode, records, oldest_ms=oldest_ms)

    def _oldest_ms(self) -> int | None:
        stream_ms = self._holdings.stream_ms()
        return None if stream_ms is None else stream_ms - self._config.minutes_kept_s * 1_000

    async def _learn(self, decoded: Decoded) -> None:
        workers, sources = self._registry.missing(decoded.batch)
        if workers or sources:
            await self._patience.run(lambda db: self._registry.learn(db, workers, sources))

    def _is_full(self) -> bool:
        config, checkpoint = self._config, self._checkpoint
        return (
            checkpoint.shares >= config.buffered_shares
            or checkpoint.dead_letter_bytes >= config.buffered_dead_letter_bytes
        )

    async def _wait_for_room(self, stopping: asyncio.Task[bool]) -> None:
        """Fetch nothing until the flush under way is done: memory is bounded."""
        if self._flusher.busy:
            await self._flusher.wait(stopping)
        else:
            await asyncio.sleep(self._config.fetch_timeout_s)

    def _flush_if_due(self) -> None:
        if self._flusher.busy or self._giving_back.locked() or not len(self._holdings):
            return
        config, waited_s = self._config, self._clock.monotonic_s() - self._flushed_at_s
        idle = all(held.last is None for held in self._holdings)
        due_s = config.heartbeat_interval_s if idle else config.flush_interval_s
        if waited_s >= due_s or self._is_full() or self._checkpoint.shares >= config.flush_shares:
            self._flush()

    def _flush(self) -> None:
        stream = self._assignment.stream
        assert stream is not None
        checkpoint, self._checkpoint = self._checkpoint, Checkpoint()
        for part in self._holdings.seal(self._clock.now_ms()):
            checkpoint.partitions[part.partition] = part
        self.watch.sealed(checkpoint)
        self._flushed_at_s = self._clock.monotonic_s()
        self._flusher.start(stream, checkpoint, self._after_flush)

    async def _after_flush(self, checkpoint: Checkpoint, flushed: Flushed, took_s: float) -> None:
        self.watch.flushed(checkpoint, flushed, took_s)
        self._repeats.trim(self._checkpoint.sequences.keys())
        if self._chores.due:
            await self._patience.run(self._chores.run)

    async def _commit_if_due(self) -> None:
        """Tell Kafka how far we are, for lag tools; restart reads the database."""
        now_s = self._clock.monotonic_s()
        if self._flusher.busy or now_s - self._committed_at_s < self._config.commit_interval_s:
            return
        self._committed_at_s = now_s
        await self._consumer.commit({held.partition: held.flushed_to for held in self._holdings})

    def _on_assigned(self, partitions: Collection[int]) -> None:
        self._assignment.assigned(partitions)
        self.watch.rebalanced(len(partitions))

    async def _on_revoked(self, _partitions: Collection[int]) -> None:
        """Flush what was taken, within bounds; what can't be flushed is read again by the next
        owner. Called by aiokafka, which lets the group wait for it, and at the end of `run`."""
        self._assignment.revoked()
        async with self._giving_back:
            try:
                async with asyncio.timeout(self._config.revoke_flush_s):
                    await self._flush_last()
            except TimeoutError:
                log.warning("unflushed_dropped", because=self.watch.why_not_ready())
            except FatalError as error:
                self._fatal = error
            finally:
                await self._flusher.abandon()
                self._checkpoint = Checkpoint()
                self._holdings.clear()
                self._repeats.clear()

    async def _flush_last(self) -> None:
        await self._flusher.finish()
        if len(self._holdings):
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
