"""`feed btcpool`: btcpool's share topic → ours, every share once.

Offsets of the source are the sequences of our messages, cut in the position file before they are
sent, so that a restart sends the same cuts and intake drops what had arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ingest.errors import FatalError
from ingest.feeds.btcpool.names import Names, read_accounts
from ingest.feeds.btcpool.share import BadRecordError, BtcShare, parse_record
from ingest.feeds.exactly_once import TOGETHER_MS, Chunk, ExactlyOnceSender
from ingest.feeds.kafka_source import SourceTopic, look_up
from ingest.feeds.position import Positions, Span, recall_since
from ingest.feeds.summary import IMPORTED, FeedSummary
from ingest.kafka.producer import ShareSink
from schemas.batch import batch_of
from schemas.runtime.clock import Clock, SystemClock
from schemas.share import Share

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BtcpoolConfig:
    """What to read and how."""

    # The Kafka of the pool, which may be another than ours.
    bootstrap_servers: str
    position_path: Path
    share_topic: str = "BtcShare"
    # Names of workers; read from its beginning at each start.
    event_topic: str = "BtcCommonEvents"
    # btcpool writes shares to partition 0 alone.
    partition: int = 0
    # JSON object of user id to account name; users that are not in it are `user_<id>`.
    accounts_path: Path | None = None
    # Shares from before this are not sent: `hashgauge import` has brought them. Remembered with the
    # position.
    since_ms: int = 0
    # Go on until stopped; otherwise end where the topic ended at the start.
    follow: bool = True
    # Name of the stratum server in the shares; also decides the partition.
    source: str = "btcpool"
    # 5,000 shares are 150 KB in Arrow, and well below a broker's limit in JSON.
    shares_per_message: int = 5_000
    poll_s: float = 0.5
    # Anything else for the client of the source: security_protocol, sasl_mechanism, ...
    client: dict[str, Any] = field(default_factory=dict)


class BtcpoolFeed:
    """One run over one share topic. `summary` may be read while it runs."""

    def __init__(
        self, config: BtcpoolConfig, sink: ShareSink, *, clock: Clock | None = None
    ) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock or SystemClock()
        accounts = config.accounts_path and read_accounts(config.accounts_path)
        self._names = Names(accounts or None)
        self._since_ms = 0
        self.summary = FeedSummary()

    async def run(self, stop: asyncio.Event) -> FeedSummary:
        """Until the end of the topic, or with `follow` until `stop`.

        Raises FatalError if the topic is not the one that the position file knows, and
        RetryableError if the source's broker is away.
        """
        config = self._config
        async with AsyncExitStack() as stack:
            positions = stack.enter_context(Positions(config.position_path))
            cluster = await look_up(
                config.bootstrap_servers,
                (config.share_topic, config.event_topic),
                client=config.client,
            )
            if config.partition not in cluster.partitions[config.share_topic]:
                raise FatalError(f"no partition {config.partition} in topic {config.share_topic}")
            stream = f"{cluster.id}/{config.share_topic}/{config.partition}"
            self._since_ms = recall_since(positions, config.since_ms)
            if (mine := positions.recall("stream", stream)) != stream:
                raise FatalError(f"{config.position_path} is the position in {mine}, not {stream}")
            shares = await stack.enter_async_context(
                self._source(config.share_topic, {config.partition})
            )
            events = await stack.enter_async_context(
                self._source(config.event_topic, cluster.partitions[config.event_topic])
            )
            await self._learn_all(events, stop=stop)
            sender = ExactlyOnceSender(
                self._sink, positions, self.summary, self._clock, key=config.source, run="btcpool/"
            )
            end = await self._seek(shares, positions, stream)
            await self._finish_plan(shares, positions, sender, stop=stop)
            await self._copy(shares, events, sender, stream, end=end, stop=stop)
        return self.summary

    def _source(self, topic: str, partitions: set[int]) -> SourceTopic:
        config = self._config
        return SourceTopic(
            config.bootstrap_servers, topic, partitions=partitions, client=config.client
        )

    async def _learn_all(self, events: SourceTopic, *, stop: asyncio.Event) -> None:
        """Names known so far, before the first share is named."""
        bounds = await events.bounds() if events.assigned else {}
        while not stop.is_set():
            lagging = [
                partition
                for partition, (_, end) in bounds.items()
                if await events.position(partition) < end
            ]
            if not lagging:
                return
            await self._learn(events, timeout_s=self._config.poll_s)

    async def _learn(self, events: SourceTopic, *, timeout_s: float) -> None:
        for record in await events.read(timeout_s=timeout_s, limit=10_000):
            if not self._names.learn(record.value):
                log.warning("bad_event", partition=record.partition, offset=record.offset)

    async def _seek(self, shares: SourceTopic, positions: Positions, stream: str) -> int:
        """Go to where the position file says; the end of the topic as it is now."""
        first, end = (await shares.bounds())[self._config.partition]
        known = positions.next(stream)
        start = first if known is None else known
        reached = max([start, *(span.end for span in positions.planned())])
        if reached > end:
            raise FatalError(
                f"{self._config.share_topic} ends at {end}, the position file is at {reached}: the "
                "topic was recreated; give another position file to read it from its beginning"
            )
        if start < first:
            log.error("source_expired", missing=first - start, position=start, first=first)
            self.summary.gaps += 1
            self.summary.skipped["expired"] += first - start
        shares.seek(self._config.partition, max(start, first))
        return end

    async def _finish_plan(
        self,
        shares: SourceTopic,
        positions: Positions,
        sender: ExactlyOnceSender,
        *,
        stop: asyncio.Event,
    ) -> None:
        """Send what an earlier run planned and may not have sent: the same cuts, the same names."""
        first, _ = (await shares.bounds())[self._config.partition]
        for span in positions.planned():
            if span.end <= first:
                positions.acknowledge([span])  # expired; already said and counted by `_seek`
                continue
            records: list[Any] = []
            # What is left of one that has begun to expire goes under its old name: a repeat, where
            # the whole of it had arrived.
            shares.seek(self._config.partition, max(span.start, first))
            while not stop.is_set() and await shares.position(self._config.partition) < span.end:
                limit = span.end - await shares.position(self._config.partition)
                records += await shares.read(timeout_s=self._config.poll_s, limit=limit)
            if stop.is_set():
                return
            inside = [record for record in records if record.offset < span.end]
            shares.seek(self._config.partition, span.end)
            chunk = self._chunk(span, [share for share in map(self._share, inside) if share])
            if not await sender.send_planned([chunk], stop=stop):
                return

    async def _copy(
        self,
        shares: SourceTopic,
        events: SourceTopic,
        sender: ExactlyOnceSender,
        stream: str,
        *,
        end: int,
        stop: asyncio.Event,
    ) -> None:
        config = self._config
        while not stop.is_set():
            start = await shares.position(config.partition)
            if start >= end and not config.follow:
                return
            records = await shares.read(timeout_s=config.poll_s, limit=config.shares_per_message)
            await self._learn(events, timeout_s=0)
            if records:
                span = Span(stream, start, records[-1].offset + 1)
                await sender.send(self._chunks(span, records), stop=stop)

    def _chunks(self, span: Span, records: Sequence[Any]) -> list[Chunk]:
        """The shares of the span, cut where their times are too far apart for one message."""
        chunks: list[Chunk] = []
        start, together = span.start, list[BtcShare]()
        for record in records:
            share = self._share(record)
            if share is None:
                continue
            if together and abs(share.timestamp_ms - together[0].timestamp_ms) > TOGETHER_MS:
                chunks.append(self._chunk(Span(span.stream, start, record.offset), together))
                start, together = record.offset, []
            together.append(share)
        return [*chunks, self._chunk(Span(span.stream, start, span.end), together)]

    def _chunk(self, span: Span, shares: Sequence[BtcShare]) -> Chunk:
        names = self._names.new_names((each.user_id, each.worker_hash) for each in shares)
        return Chunk(span, batch_of(map(self._named, shares)), names)

    def _named(self, share: BtcShare) -> Share:
        return Share(
            share.timestamp_ms,
            self._names.account(share.user_id),
            self._names.worker(share.user_id, share.worker_hash),
            share.difficulty,
            share.result,
            self._config.source,
            agent=self._names.agent(share.user_id, share.worker_hash),
        )

    def _share(self, record: Any) -> BtcShare | None:
        """None if there is none in the record, which is said and counted."""
        self.summary.read += 1
        try:
            share = parse_record(record.value)
        except BadRecordError as error:
            self.summary.skipped[error.reason] += 1
            log.warning("bad_record", offset=record.offset, reason=error.reason)
            return None
        if share.timestamp_ms < self._since_ms:
            self.summary.skipped[IMPORTED] += 1
            return None
        return share
