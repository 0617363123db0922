"""Events on topic `worker-status`: key worker id, value as in `schemas.messages.events`."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, TypedDict, Unpack

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from aggregator.notify.config import KafkaConfig
from aggregator.notify.outbox import Batch, Outbox
from ingest.errors import RetryableError
from ingest.kafka.topics import ensure_topic
from schemas.messages.events import Event, encode_event
from schemas.runtime.metrics import counter
from schemas.topics import CONTENT_TYPE, JSON

_HEADERS: Final = [(CONTENT_TYPE, JSON.encode())]


# The broker's default limit of a batch is 1 MiB.
_BATCH_BYTES: Final = 512 * 1024


class Message(TypedDict):
    """What `append` of aiokafka's `BatchBuilder` takes; the timestamp in milliseconds."""

    key: bytes
    value: bytes
    timestamp: int
    headers: Sequence[tuple[str, bytes]]


class MessageBatch(Protocol):
    """What is used of aiokafka's `BatchBuilder`."""

    def append(self, **message: Unpack[Message]) -> object | None:
        """None, and nothing appended, if there is no room."""
        ...


class Producer(Protocol):
    """What is used of `AIOKafkaProducer`."""

    async def start(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    def create_batch(self) -> MessageBatch: ...
    async def send_batch(
        self, batch: Any, topic: str, *, partition: int
    ) -> asyncio.Future[Any]: ...
    async def stop(self) -> None: ...


class KafkaChannel:
    """Sends a batch, waits for all acknowledgements, then moves the cursor.

    If it is killed in between, it sends the batch again: the same ids, in the same order.
    """

    name: Final = "kafka"

    def __init__(self, config: KafkaConfig, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._producer: Producer | None = None

    async def start(self) -> None:
        try:
            await self._create_topic()
            self._producer = self._new_producer()
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self.close()
            raise RetryableError(f"broker: {error!r}") from error

    async def publish(self, batch: Batch) -> None:
        assert self._producer is not None
        events = await self._outbox.events_of(batch)
        try:
            async with asyncio.timeout(self._config.send_timeout_s):
                await self._send(self._producer, events)
        except (KafkaError, TimeoutError) as error:
            counter("deliveries_total").labels(channel=self.name, outcome="retried").inc(
                len(events)
            )
            raise RetryableError(f"broker: {error!r}") from error
        async with self._outbox.transaction() as connection:
            await self._outbox.advance(connection, self.name, batch.to)
        counter("deliveries_total").labels(channel=self.name, outcome="delivered").inc(len(events))

    async def _send(self, producer: Producer, events: Sequence[Event]) -> None:
        """All of them, acknowledged; a worker's go to the partition of librdkafka's hash (CRC-32).

        In batches of our own: a call of `send` costs three times as much as an append.
        """
        partitions = sorted(await producer.partitions_for(self._config.topic))
        chosen = defaultdict[int, list[Message]](list)
        for event in events:
            message = _message_of(event)
            chosen[partitions[zlib.crc32(message["key"]) % len(partitions)]].append(message)
        await asyncio.gather(
            *(self._send_to(producer, partition, own) for partition, own in chosen.items())
        )

    async def _send_to(
        self, producer: Producer, partition: int, messages: Sequence[Message]
    ) -> None:
        acknowledgements = [
            await producer.send_batch(batch, self._config.topic, partition=partition)
            for batch in _batches(producer, messages)
        ]
        await asyncio.gather(*acknowledgements)

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    def _new_producer(self) -> Producer:
        producer: Producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap_servers,
            acks="all",
            # Retries inside the client may not reorder the transitions of a worker.
            enable_idempotence=True,
            request_timeout_ms=int(self._config.send_timeout_s * 1_000),
            max_batch_size=_BATCH_BYTES,
            **self._config.client,
        )
        return producer

    async def _create_topic(self) -> None:
        config = self._config
        await ensure_topic(
            config.bootstrap_servers,
            config.topic,
            partitions=config.partitions,
            replication=config.replication_factor,
            client=config.client,
        )


def _message_of(event: Event) -> Message:
    return {
        "key": event.key,
        "value": encode_event(event),
        "timestamp": int(event.at.timestamp() * 1_000),
        "headers": _HEADERS,
    }


def _batches(producer: Producer, messages: Sequence[Message]) -> Iterator[MessageBatch]:
    """All messages in their order; a batch ends when the next one does not fit."""
    batch = producer.create_batch()
    for message in messages:
        if batch.append(**message) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(**message)
    yield batch
