"""Looks at an Arrow stream before it is read: what a few bytes claim is never allocated.

Buffers of an uncompressed stream are slices of the message itself and cost nothing. A compressed
buffer states its inflated size in its first 8 bytes, and Arrow allocates what it states; so the
claims are added up first. Where the buffers lie stands in the FlatBuffers metadata of each message
(Message.fbs of the Arrow format), which Arrow has verified by then.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from ingest.errors import PoisonError
from schemas.topics import InvalidReason

# Each dictionary delta makes Arrow copy the dictionary once more, each batch makes it check the
# dictionaries again: 256 messages of a stream of 8 MiB stay below a second. Honest streams have
# a schema, four dictionaries and a few batches.
MAX_IPC_MESSAGES: Final = 256

_CONTINUATION: Final = b"\xff\xff\xff\xff"
"""What every message of a stream begins with."""

# Slots of the tables' fields, in the order of the .fbs files.
_MESSAGE_HEADER: Final = 2
_DICTIONARY_DATA: Final = 1
_BATCH_BUFFERS: Final = 2
_BATCH_COMPRESSION: Final = 3


def streams_in(value: bytes, max_inflated_bytes: int) -> list[pa.Buffer]:
    """The streams of a message: one, or several end to end; what follows them is no stream.

    Raises PoisonError if one is torn, or if they have too many parts or claim too much together.
    """
    whole = pa.py_buffer(value)
    found: list[pa.Buffer] = []
    start = parts = claimed = 0
    while not found or value.startswith(_CONTINUATION, start):
        source = pa.BufferReader(whole.slice(start))
        parts += 1
        for message in pa.ipc.MessageReader.open_stream(source):
            parts += 1
            if message.type in ("record batch", "dictionary"):
                claimed += _claimed_bytes(message)
            _check(parts, claimed, max_inflated_bytes)
        _check(parts, claimed, max_inflated_bytes)
        found.append(whole.slice(start, source.tell()))
        start += source.tell()
    return found


def _check(parts: int, claimed: int, max_inflated_bytes: int) -> None:
    # One more: a stream counts beside its messages, since it may have none.
    if parts > MAX_IPC_MESSAGES + 1:
        raise PoisonError(InvalidReason.OVERSIZED, f"more than {MAX_IPC_MESSAGES} Arrow messages")
    if claimed > max_inflated_bytes:
        raise PoisonError(InvalidReason.OVERSIZED, f"compressed buffers claim {claimed} bytes")


def _claimed_bytes(message: pa.Message) -> int:
    """Sum of the inflated sizes of compressed buffers; 0 if the body is not compressed."""
    metadata = memoryview(message.metadata)
    header = _table(metadata, _root(metadata), _MESSAGE_HEADER)
    if message.type == "dictionary":
        header = _table(metadata, header, _DICTIONARY_DATA)
    if not _field(metadata, header, _BATCH_COMPRESSION):
        return 0
    body = memoryview(message.body)
    return sum(
        max(0, struct.unpack_from("<q", body, offset)[0])
        for offset, length in _buffers(metadata, header)
        if length >= 8
    )


def _buffers(metadata: memoryview, batch: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of each buffer in the body."""
    vector = _table(metadata, batch, _BATCH_BUFFERS)
    (count,) = struct.unpack_from("<I", metadata, vector)
    yield from struct.iter_unpack("<qq", metadata[vector + 4 : vector + 4 + 16 * count])


def _root(metadata: memoryview) -> int:
    return int(struct.unpack_from("<I", metadata, 0)[0])


def _field(metadata: memoryview, table: int, slot: int) -> int:
    """Position of a field's value; 0 if the table does not have it."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    (vtable_bytes,) = struct.unpack_from("<H", metadata, vtable)
    at = 4 + 2 * slot
    if at >= vtable_bytes:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, vtable + at)
    return table + offset if offset else 0


def _table(metadata: memoryview, table: int, slot: int) -> int:
    """Position of the table or vector that a field refers to."""
    at = _field(metadata, table, slot)
    if not at:
        raise PoisonError(InvalidReason.MALFORMED_ARROW, "metadata lacks a field")
    return int(at + struct.unpack_from("<I", metadata, at)[0])
