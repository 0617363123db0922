"""From a feed to the sink, exactly once: plan, send in order, acknowledge."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingest.feeds.position import Positions, Span
from ingest.feeds.summary import FeedSummary
from ingest.kafka.producer import ShareMessage, ShareSink, deliver
from schemas.batch import ShareBatch
from schemas.names.naming import WorkerNaming
from schemas.runtime.clock import Clock

# Lateness is measured against the record, which bears the newest time in it: shares of one message
# lie closer together than any limit of it. One with a wild clock travels alone.
TOGETHER_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a stream and the shares in it; a batch without shares is acknowledged unsent."""

    span: Span
    batch: ShareBatch
    names: tuple[WorkerNaming, ...] = ()


class ExactlyOnceSender:
    """Owns the order of messages. One task uses it.

    All streams of a feed go to one partition, so that messages stay in the order of time; a stream
    keeps the partition it began with, so that retries meet their originals.
    """

    def __init__(
        self,
        sink: ShareSink,
        positions: Positions,
        summary: FeedSummary,
        clock: Clock,
        *,
        key: str,
        run: str,
    ) -> None:
        self._sink = sink
        self._positions = positions
        self._summary = summary
        self._clock = clock
        self._key = key
        self._run = run
        self._partitions = 0

    async def send(self, chunks: Sequence[Chunk], *, stop: asyncio.Event) -> bool:
        """Plan and send; False if `stop` came before everything was acknowledged."""
        self._positions.plan(chunk.span for chunk in chunks)
        return await self.send_planned(chunks, stop=stop)

    async def send_planned(self, chunks: Sequence[Chunk], *, stop: asyncio.Event) -> bool:
        """In the order given; a stream's next message waits for the one before it.

        With an error in between, the message after it could arrive first, and the retry of the
        failed one would be taken for a repeat.
        """
        if not self._partitions:
            self._partitions = await self._sink.partitions()
        done: list[Span] = []
        under_way: dict[str, asyncio.Task[bool]] = {}
        try:
            for chunk in chunks:
                if chunk.span.stream in under_way and not await self._all(under_way):
                    return False
                task = asyncio.create_task(self._send_one(chunk, done, stop=stop))
                under_way[chunk.span.stream] = task
            return await self._all(under_way)
        finally:
            await asyncio.gather(*under_way.values(), return_exceptions=True)
            self._positions.acknowledge(done)

    @staticmethod
    async def _all(under_way: dict[str, asyncio.Task[bool]]) -> bool:
        sent = await asyncio.gather(*under_way.values())
        under_way.clear()
        return all(sent)

    async def _send_one(self, chunk: Chunk, done: list[Span], *, stop: asyncio.Event) -> bool:
        span, batch = chunk.span, chunk.batch
        partition = self._positions.partition(
            span.stream, zlib.crc32(self._key.encode()) % self._partitions
        )
        if len(batch):
            message = ShareMessage(
                batch,
                # A broker refuses what lies an hour ahead of its clock, and the message would be
                # tried for ever; stamped now, the share is too early and becomes a dead letter.
                timestamp_ms=min(int(batch.timestamp_ms.max()), self._clock.now_ms()),
                key=self._key,
                producer_id=f"{self._run}{span.stream}",
                sequence=span.end,
                partition=partition,
                names=chunk.names,
            )
            if not await deliver(self._sink, message, stop=stop):
                return False
            self._summary.sent += len(batch)
            self._summary.messages += 1
            self._summary.note_refused(batch, now_ms=self._clock.now_ms())
        done.append(span)
        return True
