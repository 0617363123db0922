"""Messages that were not counted, or not wholly: sent on, whole, with the reason and the origin."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from ingest.errors import FatalError, RetryableError
from ingest.record import Record
from ingest.reject import Reject, merged
from ingest.topic import ensure_topic
from schemas import topics
from schemas.metrics import counter
from schemas.topics import DeadLetterHeader, Reason

log = structlog.get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]

# A detail is for a person; a forged message must not make it long.
_DETAIL_CHARS: Final = 500
# Above the largest message that a broker is usually set to pass, plus our headers.
LETTER_MAX_BYTES: Final = 32 * 1024 * 1024
# What is left of a letter that was refused has less than this of key and headers each: far below
# every limit that a broker may have.
_KEPT_BYTES: Final = 8_192


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message for the dead letter topic: the original's key, value and headers, and ours."""

    reason: Reason
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size_bytes(self) -> int:
        """Headers count, too: a stranger's may be larger than the message, or null."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


def letters_of(rejects: Iterable[Reject], records: Sequence[Record]) -> list[DeadLetter]:
    """One letter per rejected message of a fetch."""
    return [_letter(reject, records[reject.message]) for reject in merged(rejects)]


def _letter(reject: Reject, record: Record) -> DeadLetter:
    ours = {
        DeadLetterHeader.REASON: reject.reason,
        DeadLetterHeader.DETAIL: reject.detail[:_DETAIL_CHARS],
        DeadLetterHeader.INDICES: indices_text(reject.shares),
        DeadLetterHeader.TOPIC: record.topic,
        DeadLetterHeader.PARTITION: str(record.partition),
        DeadLetterHeader.OFFSET: str(record.offset),
        DeadLetterHeader.TIMESTAMP_MS: str(record.timestamp),
    }
    # A producer that sends our header names must not forge an origin: ours come last and win.
    headers = [*record.headers, *((str(name), text.encode()) for name, text in ours.items())]
    return DeadLetter(reject.reason, record.key, record.value, headers)


def indices_text(indices: Sequence[int]) -> str:
    """Ascending indices as ranges: 60,000 bad shares in a row are eight bytes.

    >>> indices_text([0, 1, 2, 7])
    '0-2,7'
    """
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


class LetterSink(Protocol):
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
    max_message_bytes: int = LETTER_MAX_BYTES
    # How long one attempt may take before it is an error that may be retried.
    request_timeout_s: float = 30.0
    # Used where the topic is missing. One partition keeps the letters in order.
    create_partitions: int = 1
    create_replication: int = 1


class DeadLetterSink:
    """An idempotent aiokafka producer. Use as an async context manager; one task sends at a time.

    Send before the offsets are committed: a crash between the two sends a letter twice, never
    loses one, and a replay of both counts its shares once.
    """

    def __init__(self, config: DeadLetterConfig, client: dict[str, Any] | None = None) -> None:
        self._config = config
        self._client = client or {}
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> DeadLetterSink:
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
    refused even so would be tried for ever, and nothing behind it taken.
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


class Ceiling:
    """Stops the service rather than divert a whole topic because of a bad deploy.

    Counts messages that gave not one share; unknown accounts and odd clocks do not count.
    """

    def __init__(self, window: int = 10_000, share: float = 0.1, in_a_row: int = 1_000) -> None:
        self._window = window
        self._most = int(window * share)
        self._in_a_row = in_a_row
        self._seen = 0
        self._row = 0
        self._bad: deque[int] = deque()

    def add(self, messages: int, undecodable: Sequence[int]) -> None:
        """A fetch of `messages`, of which the ascending indices were undecodable.

        Raises FatalError above the ceiling: before the letters of the fetch are sent, so that the
        next start finds the same messages again.
        """
        last = -1
        for index in undecodable:
            self._row = self._row + 1 if index == last + 1 else 1
            last = index
            self._bad.append(self._seen + index)
            while self._bad[0] <= self._seen + index - self._window:
                self._bad.popleft()
            if len(self._bad) > self._most or self._row >= self._in_a_row:
                raise FatalError(self._message())
        if last != messages - 1:
            self._row = 0
        self._seen += messages

    def _message(self) -> str:
        return (
            f"{len(self._bad)} of the last {self._window} messages are undecodable, "
            f"{self._row} of them in a row: a producer seems to write another format. Nothing of "
            "this fetch was committed. Stop that producer, or raise the ceiling to dead-letter "
            "them, then start again."
        )
