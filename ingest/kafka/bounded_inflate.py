"""Compressed batches are inflated within a limit: 18 KB of zstd can claim 600 MB of memory.

aiokafka inflates a batch without one, in the process that everybody's shares depend on. These
functions stand in for its own, in the modules that use them.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from aiokafka import codec

Inflate = Callable[[Any], bytes]

# A codec sets aside what it is asked for at once: with the limit of 128 MiB that took five times as
# long as inflating a batch.
_PIECE_BYTES: Final = 1024 * 1024
_XERIAL_HEADER_BYTES: Final = 16
MODULES: Final = (
    "aiokafka.record.default_records",
    "aiokafka.record.legacy_records",
    "aiokafka.record._crecords.default_records",
    "aiokafka.record._crecords.legacy_records",
)


class InflatedTooLargeError(Exception):
    """A batch claims more memory than any honest one."""


class Meter:
    """How much this process has inflated so far."""

    total_bytes = 0


METER: Final = Meter()


def limit_inflation(limit_bytes: int) -> None:
    """From now on no batch of this process is inflated beyond `limit_bytes`."""
    for name, inflate in inflaters(limit_bytes).items():
        for module in MODULES:
            try:
                found = importlib.import_module(module)
            except ImportError:
                # The compiled ones are not there on every platform.
                continue
            if hasattr(found, name):
                setattr(found, name, inflate)


def inflaters(limit_bytes: int) -> dict[str, Inflate]:
    """By aiokafka's name: what inflates, or raises InflatedTooLargeError."""

    def check(size: int, codec_name: str) -> None:
        if size > limit_bytes:
            message = f"{codec_name} that claims more than {limit_bytes} bytes when it is inflated"
            raise InflatedTooLargeError(message)

    def whole(pieces: Iterable[bytes], codec_name: str) -> bytes:
        taken, size = [], 0
        for piece in pieces:
            size += len(piece)
            check(size, codec_name)
            taken.append(piece)
        METER.total_bytes += size
        return b"".join(taken)

    def gzip_decode(payload: Any) -> bytes:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return whole([member.decompress(bytes(payload), limit_bytes + 1)], "gzip")

    def zstd_decode(payload: Any) -> bytes:
        data = bytes(payload)
        # Producers that stream state none.
        check(zstandard.frame_content_size(data), "zstd")
        frames = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
        with frames as reader:
            return whole(iter(lambda: reader.read(_PIECE_BYTES), b""), "zstd")

    def lz4_decode(payload: Any) -> bytes:
        return whole(_lz4_pieces(bytes(payload)), "lz4")

    def snappy_decode(payload: Any) -> bytes:
        check(sum(map(_snappy_claims, _snappy_blocks(memoryview(payload)))), "snappy")
        return whole([bytes(codec.snappy_decode(payload))], "snappy")

    return {
        "gzip_decode": gzip_decode,
        "zstd_decode": zstd_decode,
        "lz4_decode": lz4_decode,
        "snappy_decode": snappy_decode,
    }


def _lz4_pieces(payload: bytes) -> Iterator[bytes]:
    frame = lz4.frame.LZ4FrameDecompressor()
    while piece := frame.decompress(payload, max_length=_PIECE_BYTES):
        yield piece
        if frame.eof:
            return
        payload = b""


def _snappy_blocks(payload: memoryview) -> Iterator[memoryview]:
    """Java's stream of blocks, or one bare block."""
    if bytes(payload[:8]) != b"\x82SNAPPY\x00":
        yield payload
        return
    at = _XERIAL_HEADER_BYTES
    while at + 4 <= len(payload):
        (size,) = struct.unpack_from("!i", payload, at)
        yield payload[at + 4 : at + 4 + max(size, 0)]
        at += 4 + max(size, 0)


def _snappy_claims(block: memoryview) -> int:
    """The size that a block states: a variable-length integer at its beginning."""
    size = 0
    for place, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return size
