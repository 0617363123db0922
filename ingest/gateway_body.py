"""The body of a request: read, inflated, and never more of it than allowed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Final

import zstandard

# zstd turns 4 bytes into a block of up to 128 KiB: 256 bytes at a time overshoot by 8 MiB at most.
_ZSTD_STEP: Final = 256
# A larger window is memory that the sender chooses.
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
_GZIP_WBITS: Final = 31


class BodyTooLargeError(Exception):
    """More than the limit, as sent or as inflated."""


class BodyError(Exception):
    """The body cannot be read; the text says why."""


async def read_body(chunks: AsyncIterator[bytes], limit: int, timeout_s: float) -> bytes:
    """All chunks. Raises BodyTooLargeError, and BodyError where they take too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise BodyTooLargeError
    except TimeoutError as error:
        raise BodyError(f"not all of the body came within {timeout_s:g} s") from error
    return bytes(body)


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content-encoding. Raises BodyTooLargeError and BodyError."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
        case "zstd":
            return _unzstd(body, limit)
    raise BodyError(f"content-encoding {encoding[:40]!r} is not gzip or zstd")


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file."""
    parts: list[bytes] = []
    room = limit
    rest = body
    while rest:
        member = zlib.decompressobj(_GZIP_WBITS)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            raise BodyError(f"bad gzip: {error}") from error
        room -= len(part)
        if room < 0:
            raise BodyTooLargeError
        if not member.eof:
            raise BodyError("gzip ends too early")
        parts.append(part)
        rest = member.unused_data
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    """All frames of a zstd stream."""
    inflated = bytearray()
    rest = body
    while rest:
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        at = 0
        try:
            while at < len(rest) and not frame.eof:
                inflated += frame.decompress(rest[at : at + _ZSTD_STEP])
                at += _ZSTD_STEP
                if len(inflated) > limit:
                    raise BodyTooLargeError
        except zstandard.ZstdError as error:
            raise BodyError(f"bad zstd: {error}") from error
        if not frame.eof:
            raise BodyError("zstd ends too early")
        rest = frame.unused_data + rest[at:]
    return bytes(inflated)
