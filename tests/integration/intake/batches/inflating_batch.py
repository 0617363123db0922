"""A record batch that is small on the wire and large when it is inflated, made in little memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from aiokafka import codec as kafka_codec
from aiokafka.record.util import calc_crc32c, encode_varint

_STEP = bytes(1 << 20)
_CODES = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_AT_MS = 1_790_000_000_000


def inflating_batch(codec: str, megabytes: int, *, records: int = 3) -> bytes:
    """Message format 2: `records` records of zeros, `megabytes` in all."""
    each = megabytes // records

    def parts() -> Iterator[bytes]:
        for number in range(records):
            head = b"\x00" + _varint(0) + _varint(number) + _varint(-1) + _varint(each << 20)
            yield _varint(len(head) + (each << 20) + 1) + head
            for _ in range(each):
                yield _STEP
            yield _varint(0)

    body = _COMPRESS[codec](parts())
    signed = struct.pack(
        ">hiqqqhii", _CODES[codec], records - 1, _AT_MS, _AT_MS, -1, -1, -1, records
    )
    signed += body
    crc = calc_crc32c(signed)
    return struct.pack(">qiibI", 0, len(signed) + 9, -1, 2, crc) + signed


def _varint(value: int) -> bytes:
    out = bytearray()
    encode_varint(value, out.append)
    return bytes(out)


def _gzip(parts: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join(map(packer.compress, parts)) + packer.flush()


def _zstd(parts: Iterator[bytes]) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(map(packer.compress, parts)) + packer.flush()


def _lz4(parts: Iterator[bytes]) -> bytes:
    # Kafka takes independent blocks only.
    packer = lz4.frame.LZ4FrameCompressor(block_linked=False)
    return bytes(packer.begin()) + b"".join(map(packer.compress, parts)) + bytes(packer.flush())


def _snappy(parts: Iterator[bytes]) -> bytes:
    """Java's stream: a header, then blocks."""
    header = b""
    blocks = []
    for part in parts:
        packed = kafka_codec.snappy_encode(part)
        header, block = packed[:16], packed[16:]
        blocks.append(block)
    return header + b"".join(blocks)


_COMPRESS: dict[str, Callable[[Iterator[bytes]], Any]] = {
    "gzip": _gzip,
    "zstd": _zstd,
    "lz4": _lz4,
    "snappy": _snappy,
}
