"""A dead letter: as it is written, and as it is read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.decode.invalid import InvalidMessage, merged
from ingest.kafka.record import Record, header
from schemas.topics import DeadLetterHeader, InvalidReason

Headers = Sequence[tuple[str, bytes]]

# A detail is for a person; a forged message must not make it long.
_DETAIL_CHARS: Final = 500
_OURS: Final = frozenset(str(name) for name in DeadLetterHeader)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message for the dead letter topic: the original's key, value and headers, and ours."""

    reason: InvalidReason
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size_bytes(self) -> int:
        """Headers count, too: a stranger's may be larger than the message, or null."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


def dead_letters_of(
    messages: Iterable[InvalidMessage], records: Sequence[Record]
) -> list[DeadLetter]:
    """One letter per rejected message of a fetch."""
    return [_letter(invalid, records[invalid.message]) for invalid in merged(messages)]


def _letter(invalid: InvalidMessage, record: Record) -> DeadLetter:
    ours = {
        DeadLetterHeader.REASON: invalid.reason,
        DeadLetterHeader.DETAIL: invalid.detail[:_DETAIL_CHARS],
        DeadLetterHeader.INDICES: indices_text(invalid.shares),
        DeadLetterHeader.TOPIC: record.topic,
        DeadLetterHeader.PARTITION: str(record.partition),
        DeadLetterHeader.OFFSET: str(record.offset),
        DeadLetterHeader.TIMESTAMP_MS: str(record.timestamp),
    }
    # A producer that sends our header names must not forge an origin: ours come last and win.
    headers = [*record.headers, *((str(name), text.encode()) for name, text in ours.items())]
    return DeadLetter(invalid.reason, record.key, record.value, headers)


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


def parse_indices(text: str) -> list[int]:
    """The inverse of `dead_letter.indices_text`."""
    indices: list[int] = []
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        indices.extend(range(int(first), int(last or first) + 1))
    return indices


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
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


def stored_dead_letter_of(record: Record) -> StoredDeadLetter:
    """Raises ValueError for a record that no `KafkaDeadLetterSink` wrote."""

    def text(name: DeadLetterHeader) -> str:
        value = header(record.headers, name)
        if value is None:
            raise ValueError(f"no header {name} at offset {record.offset}")
        return value.decode()

    return StoredDeadLetter(
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
