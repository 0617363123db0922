"""What btcpool's share topic still holds, named by all that its event topic ever said."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from ingest.errors import FatalError
from ingest.feeds.btcpool.feed import BtcpoolConfig
from ingest.feeds.btcpool.names import Names, read_accounts
from ingest.feeds.btcpool.share import BadRecordError, parse_record
from ingest.feeds.kafka_source import SourceTopic, look_up
from ingest.history.chunk import HistoryChunk, Start
from schemas.batch import batch_of
from schemas.share import Share

_RECORDS: Final = 20_000
# A broker that has records answers within this; without any it means the end of a compacted log.
_READ_TIMEOUT_S: Final = 10.0


class BtcpoolHistory:
    """The topic as it was when this was opened; what comes later is for `hashgauge feed`."""

    def __init__(
        self,
        shares: SourceTopic,
        names: Names,
        stream: str,
        *,
        first: int,
        end: int,
        partition: int,
    ) -> None:
        self._shares = shares
        self._names = names
        self._stream = stream
        self._first = first
        self._end = end
        self._partition = partition
        self.unreadable = 0
        self.total = end - first

    async def chunks(self, starts: Mapping[str, Start]) -> AsyncIterator[HistoryChunk]:
        start = starts.get(self._stream, Start(self._first, 0))
        if max(start.place, start.seam) > self._end:
            raise FatalError(
                f"{self._stream} ends at {self._end}, and was imported up to {start.place}: the "
                "topic was recreated"
            )
        place = max(start.place, self._first)
        self._shares.seek(self._partition, place)
        while place < self._end:
            end = start.seam if place < start.seam else self._end
            limit = min(_RECORDS, end - place)
            records = await self._shares.read(timeout_s=_READ_TIMEOUT_S, limit=limit)
            inside = [record for record in records if record.offset < end]
            if not inside:
                return
            yield self._chunk(place, inside)
            place = inside[-1].offset + 1

    def _chunk(self, place: int, records: Sequence[Any]) -> HistoryChunk:
        shares: list[Share] = []
        refused: Counter[str] = Counter()
        for record in records:
            try:
                share = parse_record(record.value)
            except BadRecordError as error:
                refused[error.reason] += 1
                continue
            account = self._names.account(share.user_id)
            worker = self._names.worker(share.user_id, share.worker_hash)
            at_ms, difficulty = share.timestamp_ms, share.difficulty
            agent = self._names.agent(share.user_id, share.worker_hash)
            shares.append(Share(at_ms, account, worker, difficulty, share.result, agent=agent))
        last = records[-1]
        crc = zlib.crc32(last.value or b"")
        batch = batch_of(shares)
        return HistoryChunk(self._stream, place, last.offset + 1, crc, batch, len(records), refused)


@asynccontextmanager
async def open_btcpool(config: BtcpoolConfig) -> AsyncIterator[BtcpoolHistory]:
    """Raises FatalError if the topic is not there, RetryableError if the broker is away."""
    names = Names(read_accounts(config.accounts_path) if config.accounts_path else None)
    topics = (config.share_topic, config.event_topic)
    cluster = await look_up(config.bootstrap_servers, topics, client=config.client)
    if config.partition not in cluster.partitions[config.share_topic]:
        raise FatalError(f"no partition {config.partition} in topic {config.share_topic}")
    async with SourceTopic(
        config.bootstrap_servers,
        config.event_topic,
        partitions=cluster.partitions[config.event_topic],
        client=config.client,
    ) as events:
        await _learn_all(events, names)
    async with SourceTopic(
        config.bootstrap_servers,
        config.share_topic,
        partitions={config.partition},
        client=config.client,
    ) as shares:
        first, end = (await shares.bounds())[config.partition]
        stream = f"btcpool/{cluster.id}/{config.share_topic}/{config.partition}"
        yield BtcpoolHistory(
            shares, names, stream, first=first, end=end, partition=config.partition
        )


async def _learn_all(events: SourceTopic, names: Names) -> None:
    """The newest name of each worker: a renamed one is one worker."""
    bounds = await events.bounds() if events.assigned else {}
    while any([await events.position(number) < end for number, (_, end) in bounds.items()]):
        for record in await events.read(timeout_s=1.0, limit=10_000):
            names.learn(record.value)
