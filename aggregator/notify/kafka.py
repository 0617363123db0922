"""Events on topic `worker-status`: key worker id, value as in `schemas.messages.events`."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from aggregator.notify.config import KafkaConfig
from aggregator.notify.outbox import Batch, Outbox
from ingest.errors import RetryableError
from ingest.kafka.topics import ensure_topic
from schemas.messages.events import encode_event
from schemas.runtime.metrics import counter
from schemas.topics import CONTENT_TYPE, JSON

_HEADERS: Final = [(CONTENT_TYPE, JSON.encode())]


def partition_of(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """That of librdkafka's clients (CRC-32): aiokafka's own hash, in Python, takes 10 µs a key."""
    return sorted(partitions)[zlib.crc32(key) % len(partitions)]


class Producer(Protocol):
    """What is used of `AIOKafkaProducer`."""

    async def start(self) -> None: ...
    async def send(self, topic: str, **message: Any) -> asyncio.Future[Any]: ...
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
                sent = [
                    await self._producer.send(
                        self._config.topic,
                        key=event.key,
                        value=encode_event(event),
                        timestamp_ms=int(event.at.timestamp() * 1_000),
                        headers=_HEADERS,
                    )
                    for event in events
                ]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            counter("deliveries_total").labels(channel=self.name, outcome="retried").inc(
                len(events)
            )
            raise RetryableError(f"broker: {error!r}") from error
        async with self._outbox.transaction() as connection:
            await self._outbox.advance(connection, self.name, batch.to)
        counter("deliveries_total").labels(channel=self.name, outcome="delivered").inc(len(events))

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
            linger_ms=5,
            partitioner=partition_of,
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
