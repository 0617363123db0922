"""Sending dead letters again, under the identity of the message they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
from aiokafka.errors import MessageSizeTooLargeError

from ingest.dead_letters.letter import StoredDeadLetter
from ingest.decode.content_type import Codec, codec_of
from ingest.decode.json_elements import elements_of
from ingest.errors import PoisonError
from schemas import topics

DAY_MS: Final = 86_400_000
REPLAY_WITHIN_MS: Final = 2 * DAY_MS
"""Intake remembers sequences for 48 hours: two replays within them cannot double."""
# Begins the producer id of what is sent again.
_IDENTITY: Final = "dead-letter/"
_REPLACED: Final = frozenset({topics.PRODUCER_ID, topics.SEQUENCE})


class NotReplayableError(Exception):
    """Why this dead letter cannot be sent again."""


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


def replay_of(letter: StoredDeadLetter, now_ms: int, *, allow_old: bool = False) -> Replay:
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
    producer: Producer, letter: StoredDeadLetter, now_ms: int, *, allow_old: bool = False
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


def _bad_part(letter: StoredDeadLetter) -> bytes:
    """The original value, cut down to the bad shares where only some are."""
    assert letter.value is not None
    shares = letter.shares
    if not shares:
        return letter.value
    try:
        codec = codec_of(letter.headers, letter.value)
        cut = _json_part if codec is Codec.JSON else _arrow_part
        return cut(letter.value, shares)
    except (PoisonError, pa.ArrowException, IndexError) as error:
        raise NotReplayableError(f"not the message it was: {error}") from error


def _json_part(value: bytes, shares: Sequence[int]) -> bytes:
    elements = elements_of(value, len(value))
    # The bytes of each share as they were, whatever is wrong with them.
    return b"[" + b",".join(elements[index] for index in shares) + b"]"


def _arrow_part(value: bytes, shares: Sequence[int]) -> bytes:
    with pa.ipc.open_stream(value) as reader:
        table = reader.read_all().take(pa.array(shares, pa.int64()))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
