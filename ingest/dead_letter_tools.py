"""Reading the dead letters again: what `hashgauge dead-letters list|show|replay` is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from ingest.content_type import Codec, codec_of
from ingest.dead_letter import LETTER_MAX_BYTES
from ingest.errors import PoisonError
from ingest.record import Record, header
from schemas import topics
from schemas.topics import DeadLetterHeader, Reason

log = structlog.get_logger(__name__)

DAY_MS: Final = 86_400_000
REPLAY_WITHIN_MS: Final = 2 * DAY_MS
"""Intake remembers sequences for 48 hours: two replays within it of the letter cannot double."""
# Begins the producer id of what is sent again.
_IDENTITY: Final = "dead-letter/"
_OURS: Final = frozenset(str(name) for name in DeadLetterHeader)
_REPLACED: Final = _OURS | {topics.PRODUCER_ID, topics.SEQUENCE}


class NotReplayableError(Exception):
    """Why this letter cannot be sent again."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it was read back."""

    partition: int
    offset: int
    written_ms: int
    reason: str
    detail: str
    indices: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    origin_timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """The original's own."""

    @property
    def shares(self) -> list[int]:
        """Indices of the bad shares; empty: all of the message."""
        return parse_indices(self.indices)


@dataclass(frozen=True, slots=True)
class Replay:
    """A message for the topic of the origin."""

    topic: str
    partition: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Producer(Protocol):
    """What a replay needs of `AIOKafkaProducer`."""

    async def send_and_wait(self, topic: str, value: bytes, **fields: Any) -> Any: ...


def letter_of(record: Record) -> Letter:
    """Raises ValueError for a record that no `DeadLetterSink` wrote."""

    def text(name: DeadLetterHeader) -> str:
        value = header(record.headers, name)
        if value is None:
            raise ValueError(f"no header {name} at offset {record.offset}")
        return value.decode()

    return Letter(
        partition=record.partition,
        offset=record.offset,
        written_ms=record.timestamp,
        reason=text(DeadLetterHeader.REASON),
        detail=text(DeadLetterHeader.DETAIL),
        indices=text(DeadLetterHeader.INDICES),
        origin_topic=text(DeadLetterHeader.TOPIC),
        origin_partition=int(text(DeadLetterHeader.PARTITION)),
        origin_offset=int(text(DeadLetterHeader.OFFSET)),
        origin_timestamp_ms=int(text(DeadLetterHeader.TIMESTAMP_MS)),
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if name not in _OURS),
    )


async def read_letters(
    bootstrap_servers: str,
    topic: str = topics.DEAD_LETTERS,
    *,
    reasons: Collection[Reason] = (),
    since_ms: int | None = None,
    client: Mapping[str, Any] | None = None,
) -> AsyncIterator[Letter]:
    """All letters from the start (or from `since_ms`) to the end as it is now, by partition.

    `reasons` empty means all. Records that are no letters are named in the log and passed over.
    Commits nothing and joins no group.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=LETTER_MAX_BYTES,
        **(client or {}),
    )
    await consumer.start()
    try:
        await consumer._client.set_topics([topic])  # noqa: SLF001
        for partition in sorted(consumer.partitions_for_topic(topic) or ()):
            async for letter in _read_partition(
                consumer, TopicPartition(topic, partition), since_ms
            ):
                if not reasons or letter.reason in reasons:
                    yield letter
    finally:
        await consumer.stop()


async def _read_partition(
    consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int | None
) -> AsyncIterator[Letter]:
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    start = (await consumer.beginning_offsets([partition]))[partition]
    if since_ms is not None:
        found = (await consumer.offsets_for_times({partition: since_ms}))[partition]
        start = end if found is None else found.offset
    consumer.seek(partition, start)
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=1_000)).values():
            for record in records:
                if record.offset >= end:
                    return
                try:
                    letter = letter_of(record)
                except ValueError as error:
                    log.warning("no_letter", partition=record.partition, error=str(error))
                else:
                    yield letter


def replay_of(letter: Letter, now_ms: int, *, allow_old: bool = False) -> Replay:
    """The message that sends what was bad again, under its original identity.

    Its producer-id names the origin, so that intake drops a second replay of the same letter (it
    goes to the same partition); therefore letters older than 48 hours need `allow_old`. Raises
    NotReplayableError.
    """
    if now_ms - letter.written_ms > REPLAY_WITHIN_MS and not allow_old:
        raise NotReplayableError("older than 48 hours: a second replay could count twice")
    if not letter.value:
        raise NotReplayableError("the original had no value, or one too large to be kept")
    identity = f"{_IDENTITY}{letter.origin_topic}/{letter.origin_partition}/{letter.origin_offset}"
    return Replay(
        topic=letter.origin_topic,
        partition=letter.origin_partition,
        timestamp_ms=letter.origin_timestamp_ms if letter.origin_timestamp_ms >= 0 else None,
        key=letter.key,
        value=_bad_part(letter),
        headers=(
            *((name, value) for name, value in letter.headers if name not in _REPLACED),
            (topics.PRODUCER_ID, identity.encode()),
            (topics.SEQUENCE, b"1"),
        ),
    )


def origin_of(producer_id: str) -> tuple[str, int, int] | None:
    """Topic, partition and offset of the message whose bad part was sent again under `producer_id`;
    None for a producer of another kind."""
    if not producer_id.startswith(_IDENTITY):
        return None
    topic, _, rest = producer_id.removeprefix(_IDENTITY).partition("/")
    partition, _, offset = rest.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        return None
    return topic, int(partition), int(offset)


async def replay(
    producer: Producer, letter: Letter, now_ms: int, *, allow_old: bool = False
) -> Replay:
    """Send one letter's bad shares to where they came from; returns when they are safe.

    Raises NotReplayableError.
    """
    message = replay_of(letter, now_ms, allow_old=allow_old)
    try:
        await producer.send_and_wait(
            message.topic,
            message.value,
            key=message.key,
            partition=message.partition,
            timestamp_ms=message.timestamp_ms,
            headers=list(message.headers),
        )
    except MessageSizeTooLargeError as error:
        size = len(message.value)
        raise NotReplayableError(f"the broker takes no message of {size} bytes") from error
    return message


def parse_indices(text: str) -> list[int]:
    """The inverse of `dead_letter.indices_text`."""
    indices: list[int] = []
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        indices.extend(range(int(first), int(last or first) + 1))
    return indices


def _bad_part(letter: Letter) -> bytes:
    """The original value, cut down to the bad shares where only some are."""
    assert letter.value is not None
    shares = letter.shares
    if not shares:
        return letter.value
    try:
        codec = codec_of(letter.headers, letter.value)
        cut = _json_part if codec is Codec.JSON else _arrow_part
        return cut(letter.value, shares)
    except (PoisonError, msgspec.DecodeError, pa.ArrowException, IndexError) as error:
        raise NotReplayableError(f"not the message it was: {error}") from error


def _json_part(value: bytes, shares: Sequence[int]) -> bytes:
    if value.lstrip().startswith(b"["):
        elements = msgspec.json.decode(value, type=list[msgspec.Raw])
    else:
        elements = msgspec.json.Decoder(msgspec.Raw).decode_lines(value)
    # The bytes of each share as they were, whatever is wrong with them.
    return b"[" + b",".join(bytes(elements[index]) for index in shares) + b"]"


def _arrow_part(value: bytes, shares: Sequence[int]) -> bytes:
    with pa.ipc.open_stream(value) as reader:
        table = reader.read_all().take(pa.array(shares, pa.int64()))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
