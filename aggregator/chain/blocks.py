"""Blocks as a node serves them, raw: header, coinbase, and what follows from the two.

The raw form is the same in Bitcoin Core and btcd, whose JSON differs:

    version 4 │ previous hash 32 │ merkle root 32 │ time 4 │ bits 4 │ nonce 4 │ transactions ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.addresses.bitcoin import BitcoinNetwork

HEADER_BYTES: Final = 80
MEDIAN_SPAN: Final = 11
"""Headers behind a median time past, the block's own included (BIP 113)."""
_FIRST_SUBSIDY_SAT: Final = 50 * 10**8
_HALVING_BLOCKS: Final = 210_000
_REGTEST_HALVING_BLOCKS: Final = 150


@dataclass(frozen=True, slots=True)
class Header:
    hash: str
    prev_hash: str
    time_s: int
    bits: int


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """`claimed_sat` is what the coinbase pays itself: subsidy and fees."""

    height: int
    header: Header
    claimed_sat: int


def parse_header(raw: bytes) -> Header:
    """ValueError for fewer than 80 bytes."""
    if len(raw) < HEADER_BYTES:
        raise ValueError(f"a header has {HEADER_BYTES} bytes, not {len(raw)}")
    head = raw[:HEADER_BYTES]
    digest = hashlib.sha256(hashlib.sha256(head).digest()).digest()
    return Header(
        hash=digest[::-1].hex(),
        prev_hash=head[4:36][::-1].hex(),
        time_s=int.from_bytes(head[68:72], "little"),
        bits=int.from_bytes(head[72:76], "little"),
    )


def parse_block(height: int, raw: bytes) -> FoundBlock:
    """ValueError for what is no block."""
    return FoundBlock(height, parse_header(raw), _coinbase_sat(raw))


def subsidy_sat(height: int, network: BitcoinNetwork) -> int:
    """What consensus grants at a height.

    >>> subsidy_sat(840_000, BitcoinNetwork.MAINNET)
    312500000
    """
    regtest = network is BitcoinNetwork.REGTEST
    halvings = height // (_REGTEST_HALVING_BLOCKS if regtest else _HALVING_BLOCKS)
    return _FIRST_SUBSIDY_SAT >> halvings if halvings < 64 else 0


def median_time_s(times_s: Sequence[int]) -> int:
    """Of the block's own time and those before it: the newest eleven, or all that there are."""
    newest = sorted(times_s[-MEDIAN_SPAN:])
    return newest[len(newest) // 2]


def _coinbase_sat(raw: bytes) -> int:
    """Sum of the outputs of the first transaction."""
    reader = _Reader(raw, HEADER_BYTES)
    reader.number()
    reader.skip(4)
    if raw[reader.at : reader.at + 2] == b"\x00\x01":
        # Marker and flag of a transaction with witness.
        reader.skip(2)
    for _ in range(reader.number()):
        reader.skip(36)
        reader.skip(reader.number())
        reader.skip(4)
    total_sat = 0
    for _ in range(reader.number()):
        total_sat += reader.integer(8)
        reader.skip(reader.number())
    return total_sat


@dataclass(slots=True)
class _Reader:
    """Little-endian integers and Bitcoin's lengths; ValueError at the end of the bytes."""

    raw: bytes
    at: int

    def skip(self, size: int) -> None:
        self.at += size
        if self.at > len(self.raw):
            raise ValueError("the block ends early")

    def integer(self, size: int) -> int:
        start = self.at
        self.skip(size)
        return int.from_bytes(self.raw[start : self.at], "little")

    def number(self) -> int:
        first = self.integer(1)
        return first if first < 0xFD else self.integer({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])
