"""The path of a fetch, from records to the checkpoint: five steps, each a call.

    verify        the first record of each partition is the one consumed last
    deduplicate   messages whose producer sent them before are dropped
    decode        messages → columns of shares; unreadable ones become dead letters
    register      names → dense indices; unknown workers are created, or dead-lettered
    collect       shares, offsets and sequences enter the checkpoint together

A rebalance may come at every await. It voids the fetch (its partitions are claimed and sought
again), so after every await the generation of the assignment is compared with the fetch's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from numpy.typing import NDArray

from aggregator.intake.checkpoint import Checkpoint
from aggregator.intake.config import IntakeConfig
from aggregator.intake.dedup import Deduplication, ProducerKey, producer_sequences_of
from aggregator.intake.monitoring import IntakeMonitor
from aggregator.intake.partitions.assignment import Assignment
from aggregator.intake.partitions.lagging_sources import LaggingSources
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.intake.workers.registry import UNKNOWN, Registry
from aggregator.postgres.retry import DatabaseRetry
from aggregator.replay.filter import ReplayFilter
from ingest.dead_letters.letter import dead_letters_of
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.decode.decoder import Decoded, Decoder
from ingest.kafka.consumer import Fetched
from ingest.kafka.record import Record
from schemas.names.naming import namings_of
from schemas.runtime.clock import Clock
from schemas.topics import InvalidReason

T = TypeVar("T")

# Smaller fetches decode in less time than a thread takes to start.
_THREAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetch:
    """What the consumer returned, and the generation of the assignment that it belongs to."""

    generation: int
    fetched: Fetched


class _VoidError(Exception):
    """A rebalance came: what was fetched before it is dropped."""


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What the steps use."""

    database: DatabaseRetry
    assignment: Assignment
    partitions: AssignedPartitions
    registry: Registry
    decoder: Decoder
    dead_letter_limit: DeadLetterLimit
    monitor: IntakeMonitor
    clock: Clock


class Pipeline:
    """Fills `checkpoint` until it is sealed. One task owns it."""

    def __init__(self, config: IntakeConfig, parts: PipelineParts) -> None:
        self._config = config
        self._parts = parts
        self._deduplication = Deduplication(config)
        self._lagging = LaggingSources()
        self.checkpoint = Checkpoint()

    async def process(self, fetch: Fetch) -> None:
        """Collect a fetch in the checkpoint, or drop it if a rebalance voids it."""
        with suppress(_VoidError):
            replay = ReplayFilter(self._parts.partitions.replays())
            records = self._verify(fetch)
            new, sequences = await self._deduplicate(records, replay, fetch)
            decoded = await self._decode(new, replay, fetch)
            await self._register(decoded, records, fetch)
            # From here on nothing is awaited: offsets and shares enter the checkpoint together.
            self._collect(decoded, new, replay, fetch=fetch, sequences=sequences)
            self._parts.monitor.duplicates(len(records) - len(new))

    def seal(self) -> Checkpoint:
        """The checkpoint with the partitions' progress; the next one begins."""
        now_ms = self._parts.clock.now_ms()
        checkpoint, self.checkpoint = self.checkpoint, Checkpoint()
        partitions, history_ms = self._parts.partitions, None
        if self._config.clock == "wall":
            history_ms = self._lagging.history_ms(partitions.reached_ms(now_ms))
        for part in partitions.seal(now_ms, history_ms=history_ms):
            checkpoint.partitions[part.partition] = part
        return checkpoint

    def flushed(self) -> None:
        """A checkpoint is in the database: old producers may be forgotten."""
        self._deduplication.trim(self.checkpoint.sequences.keys())

    def clear(self) -> None:
        """The partitions are revoked; the next owner reads again what was not flushed."""
        self.checkpoint = Checkpoint()
        self._deduplication.clear()

    def _verify(self, fetch: Fetch) -> list[Record]:
        if fetch.generation != self._parts.assignment.generation:
            raise _VoidError
        return self._parts.partitions.verify(fetch.fetched.records)

    async def _deduplicate(
        self, records: Sequence[Record], replay: ReplayFilter, fetch: Fetch
    ) -> tuple[Sequence[Record], dict[ProducerKey, int]]:
        numbered = replay.sequences(producer_sequences_of(records), records)
        missing, stream = self._deduplication.missing(numbered), self._parts.assignment.stream
        if missing and stream is not None:
            run = self._parts.database.run
            stored = await self._unless_void(
                fetch, run(lambda db: self._deduplication.stored(db, stream, missing))
            )
            self._deduplication.remember(stored)
        return self._deduplication.new(records, numbered)

    async def _decode(
        self, records: Sequence[Record], replay: ReplayFilter, fetch: Fetch
    ) -> Decoded:
        limits = {"oldest_ms": self._oldest_ms(), "now_ms": self._parts.clock.now_ms()}
        decode = self._parts.decoder.decode
        if sum(len(record.value or b"") for record in records) < _THREAD_BYTES:
            decoded = decode(records, **limits)
        else:
            decoded = await self._unless_void(fetch, asyncio.to_thread(decode, records, **limits))
        return replay.shares(decoded, records)

    def _oldest_ms(self) -> int | None:
        stream_ms = self._parts.partitions.stream_ms()
        return None if stream_ms is None else stream_ms - self._config.minutes_kept_s * 1_000

    async def _register(self, decoded: Decoded, records: Sequence[Record], fetch: Fetch) -> None:
        registry, run = self._parts.registry, self._parts.database.run
        # Of messages that came twice, too: the first copy may have been sent before the name was.
        namings = registry.new_names(namings_of(record.headers for record in records))
        if namings:
            await self._unless_void(fetch, run(lambda db: registry.rename(db, namings)))
        workers, sources = registry.missing(decoded.batch)
        if workers or sources:
            await self._unless_void(fetch, run(lambda db: registry.register(db, workers, sources)))
        if namings:
            await self._unless_void(fetch, run(lambda db: registry.remember_names(db, namings)))

    def _collect(
        self,
        decoded: Decoded,
        records: Sequence[Record],
        replay: ReplayFilter,
        *,
        fetch: Fetch,
        sequences: dict[ProducerKey, int],
    ) -> None:
        parts, now_ms = self._parts, self._parts.clock.now_ms()
        decoded, worker_index, source = self._known(decoded)
        parts.dead_letter_limit.add(records, decoded.undecodable)
        invalid = replay.dead_letters(decoded.invalid, records)
        self.checkpoint.add_dead_letters(dead_letters_of(invalid, records))
        self.checkpoint.sequences |= sequences
        self.checkpoint.add(decoded.batch, worker_index, source)
        parts.partitions.advance(fetch.fetched.records, fetch.fetched.progress, now_ms=now_ms)
        self._lagging.observe(decoded.batch, stream_ms=parts.partitions.reached_ms(now_ms))
        parts.monitor.collected(decoded.batch)
        if replay.spans:
            parts.monitor.replayed(
                len(decoded.batch), dead_letters_kept=len(decoded.invalid) - len(invalid)
            )

    def _known(self, decoded: Decoded) -> tuple[Decoded, NDArray[Any], NDArray[Any]]:
        """The shares of known accounts with their indices; the others become dead letters."""
        worker_index, source = self._parts.registry.codes(decoded.batch)
        unknown = worker_index == UNKNOWN
        if unknown.any():
            decoded = decoded.without(unknown, InvalidReason.UNKNOWN_ACCOUNT)
            worker_index, source = worker_index[~unknown], source[~unknown]
        return decoded, worker_index, source

    async def _unless_void(self, fetch: Fetch, work: Awaitable[T]) -> T:
        """The result of `work`; _VoidError if a rebalance came while it ran."""
        result = await work
        if fetch.generation != self._parts.assignment.generation:
            raise _VoidError
        return result
