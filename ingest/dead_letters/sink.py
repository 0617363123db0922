"""Where dead letters are sent: a protocol, and its implementation on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from ingest.dead_letters.letter import DeadLetter
from ingest.dead_letters.limit import LimitConfig
from ingest.errors import RetryableError
from ingest.kafka.topics import ensure_topic
from schemas import topics
from schemas.runtime.metrics import counter
from schemas.topics import DeadLetterHeader
from schemas.windows import DAY_S

log = structlog.get_logger(__name__)

# Above the largest message that a broker is usually set to pass, plus our headers.
DEAD_LETTER_MAX_BYTES: Final = 32 * 1024 * 1024
# What is left of a dead letter that was refused has less than this of key and headers each: far
# below every limit that a broker may have.
_KEPT_BYTES: Final = 8_192


class DeadLetterSink(Protocol):
    """What intake needs; the tests have one that keeps the letters."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all are safe. Raises RetryableError: some may have been sent."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetterConfig:
    """How dead letters are written."""

    bootstrap_servers: str
    topic: str = topics.DEAD_LETTERS
    # What the broker calls this producer in its logs and quotas.
    client_id: str = "hashgauge-dead-letters"
    max_message_bytes: int = DEAD_LETTER_MAX_BYTES
    # How long one attempt may take before it is an error that may be retried.
    request_timeout_s: float = 30.0
    # Used where the topic is missing. One partition keeps the letters in order.
    create_partitions: int = 1
    create_replication: int = 1
    # Much longer than the broker keeps shares: a mistake of a producer is often found weeks later.
    # 0: for ever.
    create_retention_days: int = 90
    limit: LimitConfig = field(default_factory=LimitConfig)


class KafkaDeadLetterSink:
    """An idempotent aiokafka producer. Use as an async context manager; one task sends at a time.

    Send before the offsets are committed: a crash between the two sends a letter twice, never
    loses one, and a replay of both counts its shares once.
    """

    def __init__(self, config: DeadLetterConfig, client: dict[str, Any] | None = None) -> None:
        self._config = config
        self._client = client or {}
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> KafkaDeadLetterSink:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stop()

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        try:
            producer = await self._started()
            waiting = [await self._enqueue(producer, letter) for letter in letters]
            done = await asyncio.gather(*waiting, return_exceptions=True)
            for letter, outcome in zip(letters, done, strict=True):
                if isinstance(outcome, MessageSizeTooLargeError):
                    # The broker takes less on this topic than on the one it came from.
                    await producer.send_and_wait(self._config.topic, **_fields(_emptied(letter)))
                elif isinstance(outcome, BaseException):
                    raise outcome
        except (KafkaError, OSError) as error:
            # After an expired batch the idempotent sequence of this producer has a hole.
            await self._stop()
            raise RetryableError(f"dead letters not acknowledged: {error!r}") from error
        for letter in letters:
            counter("dead_letters_total").labels(reason=letter.reason.value).inc()
        log.warning("dead_lettered", messages=len(letters), first=letters[0].reason.value)

    async def _enqueue(self, producer: AIOKafkaProducer, letter: DeadLetter) -> asyncio.Future[Any]:
        try:
            future: asyncio.Future[Any] = await producer.send(self._config.topic, **_fields(letter))
        except MessageSizeTooLargeError:
            future = await producer.send(self._config.topic, **_fields(_emptied(letter)))
        return future

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            await ensure_topic(
                self._config.bootstrap_servers,
                self._config.topic,
                partitions=self._config.create_partitions,
                replication=self._config.create_replication,
                settings={"retention.ms": str(_retention_ms(self._config.create_retention_days))},
                client=self._client,
            )
            producer = AIOKafkaProducer(
                bootstrap_servers=self._config.bootstrap_servers,
                client_id=self._config.client_id,
                acks="all",
                enable_idempotence=True,
                # What passed the broker compressed is above its limit otherwise.
                compression_type="zstd",
                max_request_size=self._config.max_message_bytes,
                request_timeout_ms=round(self._config.request_timeout_s * 1_000),
                **self._client,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


def _fields(letter: DeadLetter) -> dict[str, Any]:
    # aiokafka sends no message without key and value; such a tombstone gets an empty value.
    value = b"" if letter.key is None and letter.value is None else letter.value
    return {"value": value, "key": letter.key, "headers": letter.headers}


def _emptied(letter: DeadLetter) -> DeadLetter:
    """The letter without what no topic takes; the origin headers say where it still is.

    What is left is short whatever the producer sent, also as key and headers: a letter that was
    refused even so would be tried for ever, and nothing after it taken.
    """
    count = len(DeadLetterHeader)
    theirs, ours = letter.headers[:-count], letter.headers[-count:]
    if sum(len(name) + len(value or b"") for name, value in theirs) > _KEPT_BYTES:
        theirs = []
    key = letter.key if len(letter.key or b"") <= _KEPT_BYTES else None
    # Only the list of indices can be long; without the value it is of no use.
    ours = [(name, value if len(value) <= _KEPT_BYTES else b"") for name, value in ours]
    size = len(letter.value or b"")
    note = (str(DeadLetterHeader.DETAIL), f"value of {size} bytes left out".encode())
    return DeadLetter(letter.reason, key, None, [*theirs, *ours, note])


def _retention_ms(days: int) -> int:
    return days * DAY_S * 1_000 or -1
