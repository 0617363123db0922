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
# What follows a member is handed back by copying it: small steps keep that small.
_GZIP_STEP: Final = 16 * 1024
# Clients send one member, tools that compress in blocks of 64 KiB send 128 for the largest body.
# 8 MiB of empty ones (400,000 of them) took minutes.
_PARTS_MAX: Final = 1_024


class BodyTooLargeError(Exception):
    """More than the limit, as sent or as inflated."""


class BodyError(Exception):
    """The body cannot be read; the text says why."""


async def read_body(chunks: AsyncIterator[bytes], limit: int, timeout_s: float) -> bytes:
    """All chunks. Raises BodyTooLargeError, and BodyError if they take too long."""
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
            return _gunzip(body, limit) if body else body
        case "zstd":
            return _unzstd(body, limit) if body else body
    raise BodyError(f"content-encoding {encoding[:40]!r} is not gzip or zstd")


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file."""
    inflated = bytearray()
    rest = memoryview(body)
    for _ in range(_PARTS_MAX):
        member = zlib.decompressobj(_GZIP_WBITS)
        while rest and not member.eof:
            step = rest[:_GZIP_STEP]
            try:
                inflated += member.decompress(step, limit - len(inflated) + 1)
            except zlib.error as error:
                raise BodyError(f"bad gzip: {error}") from error
            if len(inflated) > limit:
                raise BodyTooLargeError
            rest = rest[len(step) - len(member.unused_data) :]
        if not member.eof:
            raise BodyError("gzip ends too early")
        if not rest:
            return bytes(inflated)
    raise BodyError(f"more than {_PARTS_MAX} gzip members")


def _unzstd(body: bytes, limit: int) -> bytes:
    """All frames of a zstd stream."""
    inflated = bytearray()
    rest = memoryview(body)
    for _ in range(_PARTS_MAX):
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        while rest and not frame.eof:
            step = rest[:_ZSTD_STEP]
            try:
                inflated += frame.decompress(step)
            except zstandard.ZstdError as error:
                raise BodyError(f"bad zstd: {error}") from error
            if len(inflated) > limit:
                raise BodyTooLargeError
            rest = rest[len(step) - len(frame.unused_data) :]
        if not frame.eof:
            raise BodyError("zstd ends too early")
        if not rest:
            return bytes(inflated)
    raise BodyError(f"more than {_PARTS_MAX} zstd frames")
