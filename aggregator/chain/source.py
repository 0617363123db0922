"""Where blocks come from: a node, or a made-up chain for trying out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aggregator.chain.blocks import FoundBlock, Header, parse_block, parse_header, subsidy_sat
from aggregator.chain.json_rpc import JsonRpc
from schemas.addresses.bitcoin import BitcoinNetwork

# A raw block is 4 MB as text: so many fit into one answer.
_BLOCKS: Final = 8
_BLOCK_S: Final = 600
_GENESIS_S: Final = 1_230_768_000
"""2009-01-01: the made-up chain has a block every ten minutes since."""


class BlockSource(Protocol):
    """NodeError if the chain moved meanwhile, NodeAwayError if nobody answers."""

    async def tip(self) -> int:
        """Height of the newest block."""

    async def hashes(self, first: int, last: int) -> list[str]:
        """Of the best chain, by height, both included."""

    async def headers(self, hashes: Sequence[str]) -> list[Header]: ...

    async def blocks(self, first: int, hashes: Sequence[str]) -> list[FoundBlock]:
        """The blocks of these hashes, which begin at height `first`."""


class NodeSource:
    """A node's best chain; safe to share between tasks."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc

    async def tip(self) -> int:
        return int(await self._rpc.call("getblockcount"))

    async def hashes(self, first: int, last: int) -> list[str]:
        return await self._rpc.batch(
            [("getblockhash", height) for height in range(first, last + 1)]
        )

    async def headers(self, hashes: Sequence[str]) -> list[Header]:
        raw = await self._rpc.batch([("getblockheader", one, False) for one in hashes])
        return [parse_header(bytes.fromhex(one)) for one in raw]

    async def blocks(self, first: int, hashes: Sequence[str]) -> list[FoundBlock]:
        found: list[FoundBlock] = []
        for start in range(0, len(hashes), _BLOCKS):
            some = hashes[start : start + _BLOCKS]
            for raw in await self._rpc.batch([("getblock", one, 0) for one in some]):
                found.append(parse_block(first + len(found), bytes.fromhex(raw)))
        return found


class SimulatedSource:
    """A chain that everybody can compute: a block every ten minutes, fees of a few per cent."""

    def __init__(
        self, now_s: Callable[[], float], *, difficulty: float, network: BitcoinNetwork
    ) -> None:
        self._now_s = now_s
        self._bits = bits_of(difficulty)
        self._network = network

    async def tip(self) -> int:
        return int(self._now_s() - _GENESIS_S) // _BLOCK_S

    async def hashes(self, first: int, last: int) -> list[str]:
        return [self._header(height).hash for height in range(first, last + 1)]

    async def headers(self, hashes: Sequence[str]) -> list[Header]:
        return [self._header(_height(one)) for one in hashes]

    async def blocks(self, first: int, hashes: Sequence[str]) -> list[FoundBlock]:
        return [
            FoundBlock(first + number, self._header(first + number), self._claimed(first + number))
            for number in range(len(hashes))
        ]

    def _header(self, height: int) -> Header:
        return Header(
            hash=_hash(height),
            prev_hash=_hash(height - 1),
            time_s=_GENESIS_S + height * _BLOCK_S,
            bits=self._bits,
        )

    def _claimed(self, height: int) -> int:
        """Between 1 and 6 % above the subsidy."""
        subsidy = subsidy_sat(height, self._network)
        per_mille = 10 + int(hashlib.sha256(str(height).encode()).hexdigest()[:6], 16) % 50
        return subsidy + subsidy * per_mille // 1_000


def bits_of(difficulty: float) -> int:
    """The compact target nearest below; at least difficulty 1.

    >>> hex(bits_of(1))
    '0x1d00ffff'
    """
    target = (0xFFFF << 208) * 1_000_000 // max(1_000_000, round(difficulty * 1_000_000))
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3)
    if mantissa > 0x7FFFFF:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def _hash(height: int) -> str:
    """Such that the height is in it."""
    return f"{0:08x}{hashlib.sha256(f'simulated {height}'.encode()).hexdigest()[:48]}{height:08x}"


def _height(block_hash: str) -> int:
    return int(block_hash[-8:], 16)
