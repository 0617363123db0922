"""`hashgauge import`: chunks of history → sums in memory → transactions, until all is read.

    read ──▶ register workers ──▶ leave out what is not history ──▶ fold ──▶ write, now and then

A run that is killed at any point goes on from what it wrote last; a second run finds nothing new.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.store import open_rollups
from aggregator.imports.ages import Ages
from aggregator.imports.boundary import SQL, mark_ages, note_boundary
from aggregator.imports.buckets import Buckets, folded, spread, summed
from aggregator.imports.config import ImportConfig
from aggregator.imports.hours import CountedHours
from aggregator.imports.positions import Positions, load_positions
from aggregator.imports.relations import open_relations
from aggregator.imports.write import ImportWriter, LastSeen
from aggregator.intake.workers.details import SeenDetails, save_details
from aggregator.intake.workers.registry import UNKNOWN, Registry
from aggregator.postgres.connection import Connection, bounded
from ingest.decode.validate import MAX_DIFFICULTY
from ingest.history.chunk import History, HistoryChunk
from ingest.history.rows import FIRST_MS
from schemas.batch import ShareBatch
from schemas.runtime.clock import Clock
from schemas.worker import StatusPolicy

OnProgress = Callable[[int], None]
"""Called with the places (of `History.total`) that are done."""

# Rows of many chunks are added up now and then: each chunk brings the same buckets again.
_PARTS: Final = 64


@dataclass(slots=True)
class ImportSummary:
    """Counts of one run. `read` = `counted` + `live` + `known` + all of `refused`.

    counted  records whose work is in the database now
    live     records on and after the boundary, which the live topic counts
    known    records that were counted before: by an earlier run that this one had to read again, or
             hours of workers that have work already
    refused  records that are no share or belong to no account, by reason
    """

    live_from_s: int = 0
    read: int = 0
    counted: int = 0
    live: int = 0
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0

    def note(self, chunk: HistoryChunk, kinds: NDArray[np.int8]) -> None:
        """Count the records of a chunk, whose rows are of `kinds`."""
        counts = np.bincount(kinds, chunk.weights, len(_KINDS)).astype(int).tolist()
        found = dict(zip(_KINDS, counts, strict=True))
        refused = chunk.refused + Counter({kind: found[kind] for kind in _REFUSED})
        self.read += chunk.records
        self.live += found["live"]
        self.known += found["known"]
        self.refused += refused
        self.counted += chunk.records - found["live"] - found["known"] - refused.total()

    @property
    def is_complete(self) -> bool:
        """Whether everything that there was to count is counted."""
        return not (self.refused or self.unreadable or self.live)


@dataclass(slots=True)
class _Batch:
    """What was read since the last transaction."""

    parts: list[Buckets] = field(default_factory=list)
    seen: LastSeen = field(default_factory=LastSeen)
    details: SeenDetails = field(default_factory=SeenDetails)

    def add(self, parts: list[Buckets]) -> None:
        self.parts += parts
        if len(self.parts) > _PARTS:
            self.parts = [summed(self.parts)]

    @property
    def rows(self) -> int:
        return sum(len(part) for part in self.parts)


class Importer:
    """One run over one history, on one connection in autocommit mode. One task owns it."""

    def __init__(
        self,
        config: ImportConfig,
        registry: Registry,
        *,
        policies: Policies,
        status: StatusPolicy,
        clock: Clock,
    ) -> None:
        self._config = config
        self._registry = registry
        self._policies = policies
        self._status = status
        self._clock = clock
        self._batch = _Batch()
        self._hours = CountedHours(registry)
        self.summary = ImportSummary()

    async def run(
        self,
        connection: Connection,
        history: History,
        *,
        stop: asyncio.Event,
        on_progress: OnProgress = lambda done: None,
    ) -> ImportSummary:
        """Until everything is read, or `stop`: then what was read so far is written first."""
        ages = await self._begin(connection)
        positions = await load_positions(connection, ages.live_from_s)
        relations = await open_relations(connection, kept_from_s=ages.minutes_from_s)
        rollups = await open_rollups(connection, self._policies)
        writer = ImportWriter(rollups, relations, self._registry)
        self.summary.unreadable = history.unreadable
        done, written_s = 0, self._clock.monotonic_s()
        async for chunk in history.chunks(positions.starts()):
            await self._take(connection, chunk, ages, positions)
            if self._is_due(written_s) and not positions.reads_again:
                await self._write(connection, writer, positions)
                written_s = self._clock.monotonic_s()
            done += chunk.end - chunk.start
            on_progress(done)
            if stop.is_set() and not positions.reads_again:
                break
        if positions.read:
            await self._write(connection, writer, positions)
        await self._finish(connection, ages)
        on_progress(history.total)
        return self.summary

    async def _begin(self, connection: Connection) -> Ages:
        async with bounded(connection, self._config.transaction):
            await connection.execute(SQL["lock"])
            live_from_s = await note_boundary(connection, now_s=self._now_s())
            self.summary.live_from_s = live_from_s
            return await self._ages(connection, live_from_s)

    async def _ages(self, connection: Connection, live_from_s: int) -> Ages:
        return await mark_ages(
            connection, self._policies, live_from_s=live_from_s, now_s=self._now_s()
        )

    async def _take(
        self, connection: Connection, chunk: HistoryChunk, ages: Ages, positions: Positions
    ) -> None:
        summary, batch = self.summary, chunk.batch
        workers, sources = self._registry.missing(batch)
        if workers:
            await self._registry.register(connection, workers, sources)
        index, _ = self._registry.codes(batch)
        kinds = _kinds(chunk, index, ages, known_before_s=positions.counted_before_s(chunk))
        if chunk.span_s and len(batch):
            known = await self._hours.of(connection, chunk, index)
            kinds[known & (kinds == _KINDS["counted"])] = _KINDS["known"]
        summary.note(chunk, kinds)
        positions.advance(chunk, left_open=bool((kinds == _KINDS["live"]).any()))
        chosen = kinds == _KINDS["counted"]
        if chosen.any():
            batch, index = batch.filter(chosen), index[chosen]
            parts = await asyncio.to_thread(self._fold, batch, index, ages, chunk.span_s)
            self._batch.add(parts)

    def _fold(
        self, batch: ShareBatch, index: NDArray[np.int32], ages: Ages, span_s: int
    ) -> list[Buckets]:
        at_s = batch.timestamp_ms // 1_000
        self._batch.seen.note(index, at_s + max(0, span_s - 1))
        self._batch.details.add(batch, index)
        if span_s:
            batch, row = spread(batch, ages, span_s)
            index = index[row]
        return folded(batch, index, ages)

    def _is_due(self, written_s: float) -> bool:
        waited_s = self._clock.monotonic_s() - written_s
        return (
            self._batch.rows >= self._config.rows_per_write
            or waited_s >= self._config.write_every_s
        )

    async def _write(
        self, connection: Connection, writer: ImportWriter, positions: Positions
    ) -> None:
        buckets = await asyncio.to_thread(summed, self._batch.parts)
        async with bounded(connection, self._config.transaction):
            await connection.execute(SQL["lock"])
            ages = await self._ages(connection, positions.live_from_s)
            if len(buckets):
                await writer.write(connection, buckets, ages)
                await writer.show_workers(
                    connection,
                    self._batch.seen,
                    now_s=self._now_s(),
                    removed_after_s=self._status.removed_after_s,
                )
            if self._batch.details:
                await save_details(connection, self._registry, self._batch.details)
            await positions.write(connection)
        positions.written()
        self._hours.written()
        # Workers shown as removed make room below their miner's limit.
        self._registry.look_again()
        self._batch = _Batch()

    async def _finish(self, connection: Connection, ages: Ages) -> None:
        """Lists and counts of workers are the leader's: it begins anew with what is there now."""
        if not self.summary.counted:
            return
        async with bounded(connection, self._config.transaction):
            if self._config.clock == "wall":
                await connection.execute(SQL["begin_stream"], {"live_from_s": ages.live_from_s})
            await connection.execute(SQL["depose_leader"])

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1_000


_KINDS: Final = {
    name: code
    for code, name in enumerate(
        ("counted", "live", "known", "bad_timestamp", "bad_difficulty", "unknown_account")
    )
}
_REFUSED: Final = ("bad_timestamp", "bad_difficulty", "unknown_account")


def _kinds(
    chunk: HistoryChunk, index: NDArray[np.int32], ages: Ages, *, known_before_s: int
) -> NDArray[np.int8]:
    """What becomes of each row of the batch; of several faults the first one counts."""
    at_ms, difficulty = chunk.batch.timestamp_ms, chunk.batch.difficulty
    kinds = np.full(len(at_ms), _KINDS["counted"], np.int8)
    for kind, chosen in (
        ("unknown_account", index == UNKNOWN),
        ("live", at_ms >= ages.live_from_s * 1_000),
        ("known", at_ms < known_before_s * 1_000),
        ("bad_difficulty", ~((difficulty > 0) & (difficulty <= MAX_DIFFICULTY))),
        ("bad_timestamp", at_ms < FIRST_MS),
    ):
        kinds[chosen] = _KINDS[kind]
    return kinds
