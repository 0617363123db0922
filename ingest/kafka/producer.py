"""Where feeds and the simulator put shares: a protocol, and its implementation on Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from ingest.errors import FatalError, RetryableError
from ingest.kafka.topics import ensure_topic
from schemas import topics
from schemas.batch import ShareBatch, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.names import naming
from schemas.names.naming import WorkerNaming

log = structlog.get_logger(__name__)

Encoding = Literal["arrow", "json"]


@dataclass(frozen=True, slots=True)
class ShareMessage:
    """Shares that travel as one Kafka message.

    `sequence` must rise per `producer_id`, and a retry must bear the same one on the same
    partition: intake drops what is not above the highest it has taken. So a message whose
    predecessor of the same producer is not acknowledged yet must wait for it. Without a
    `producer_id` every copy counts.
    """

    batch: ShareBatch
    timestamp_ms: int
    key: str
    producer_id: str | None
    sequence: int
    partition: int | None = None
    # What workers are called from this message on.
    names: tuple[WorkerNaming, ...] = ()


class ShareSink(Protocol):
    """Takes messages; safe to be used by many tasks at once."""

    async def partitions(self) -> int:
        """Number of partitions of the sink. Raises RetryableError."""
        ...

    async def send(self, message: ShareMessage) -> None:
        """Return when the message is safe. Raises RetryableError: it may or may not be."""
        ...


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """How messages are written to the topic."""

    bootstrap_servers: str
    topic: str = topics.SHARES
    # Arrow is the fast path of intake: about ten times the JSON rate.
    encoding: Encoding = "arrow"
    # 8 bytes a share in Arrow messages of 600 shares, against 12 with lz4 and 38 with none.
    compression: Literal["gzip", "snappy", "lz4", "zstd"] | None = "zstd"
    # Only used where the topic does not exist yet. One aggregator per partition at most.
    create_partitions: int = 4
    create_replication: int = 1
    # How long one attempt may take before it is an error that may be retried.
    request_timeout_s: float = 30.0
    # Above what our own writers put into a message; the broker has the last word.
    max_message_bytes: int = 8 * 1024 * 1024
    client_id: str = "hashgauge-shares"
    # Anything else for the client: security_protocol, sasl_mechanism, ssl_context, ...
    client: dict[str, Any] = field(default_factory=dict)


class KafkaShareSink:
    """An idempotent aiokafka producer, replaced after an error that leaves its state unknown.

    Use as an async context manager. Owns the producer; refuses nothing: the order of messages is
    the caller's business.
    """

    def __init__(self, config: SinkConfig) -> None:
        self._config = config
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> KafkaShareSink:
        config = self._config
        await ensure_topic(
            config.bootstrap_servers,
            config.topic,
            partitions=config.create_partitions,
            replication=config.create_replication,
            client=config.client,
        )
        await self._started()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._producer is not None:
            await self._discard(self._producer)

    async def partitions(self) -> int:
        producer = await self._started()
        try:
            return len(await producer.partitions_for(self._config.topic))
        except KafkaError as error:
            raise RetryableError(f"no partitions of {self._config.topic}: {error}") from error

    async def send(self, message: ShareMessage) -> None:
        value, content_type = encode(message.batch, self._config.encoding)
        headers = [(topics.CONTENT_TYPE, content_type.encode())]
        if message.producer_id is not None:
            headers += [
                (topics.PRODUCER_ID, message.producer_id.encode()),
                (topics.SEQUENCE, b"%d" % message.sequence),
            ]
        if message.names:
            headers.append((naming.HEADER, naming.encode_namings(message.names)))
        producer = await self._started()
        try:
            await producer.send_and_wait(
                self._config.topic,
                value,
                key=message.key.encode(),
                partition=message.partition,
                timestamp_ms=message.timestamp_ms,
                headers=headers,
            )
        except MessageSizeTooLargeError as error:
            raise FatalError(f"the broker takes no message of {len(value)} bytes") from error
        except AssertionError as error:
            # aiokafka asserts that the partition exists; topics never lose partitions.
            raise FatalError(
                f"{self._config.topic} has no partition {message.partition}"
            ) from error
        except (KafkaError, OSError) as error:
            # After an expired batch the idempotent sequence of this producer has a hole.
            await self._discard(producer)
            raise RetryableError(f"not acknowledged: {error!r}") from error

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                self._producer = await self._start()
            return self._producer

    async def _start(self) -> AIOKafkaProducer:
        config = self._config
        producer = AIOKafkaProducer(
            bootstrap_servers=config.bootstrap_servers,
            client_id=config.client_id,
            acks="all",
            enable_idempotence=True,
            compression_type=config.compression,
            request_timeout_ms=round(config.request_timeout_s * 1_000),
            max_request_size=config.max_message_bytes,
            **config.client,
        )
        try:
            await producer.start()
        except BaseException as error:
            # Also where the caller's time ran out: what has begun to run would run on.
            await producer.stop()
            if isinstance(error, KafkaError | OSError):
                raise RetryableError(f"no broker at {config.bootstrap_servers}: {error}") from error
            raise
        return producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        async with self._lock:
            current = producer is self._producer
            self._producer = None if current else self._producer
        if current:
            await producer.stop()


def encode(batch: ShareBatch, encoding: Encoding) -> tuple[bytes, str]:
    """Message value and content type."""
    if encoding == "arrow":
        return encode_arrow(batch), topics.ARROW_STREAM
    return encode_json(shares_of(batch)), topics.JSON


# First and longest pause before a message is tried again.
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 10.0


async def deliver(sink: ShareSink, message: ShareMessage, *, stop: asyncio.Event) -> bool:
    """Send until it is acknowledged; False if `stop` came first, and its fate is unknown."""
    pause_s = RETRY_FIRST_S
    while True:
        try:
            await sink.send(message)
        except RetryableError as error:
            log.warning("send_failed", error=str(error), retry_in_s=pause_s)
        else:
            return True
        if await stopped_within(stop, pause_s):
            return False
        pause_s = min(pause_s * 2, RETRY_LONGEST_S)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop`, at most `seconds`; True if it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
