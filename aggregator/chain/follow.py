"""Follows a node's best chain: our rows are replaced above the fork, the rest stays.

ours   … 97 98 99 100           fork at 98: rows 99 and 100 go,
node's … 97 98 99' 100' 101'    99', 100', 101' come, in one transaction for each run of blocks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.chain.blocks import MEDIAN_SPAN, FoundBlock, median_time_s, subsidy_sat
from aggregator.chain.config import ChainConfig
from aggregator.chain.json_rpc import NodeError
from aggregator.chain.source import BlockSource
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.chain", "sql/chain.sql")
# Blocks in one transaction: what a restart reads again at most.
_RUN: Final = 100
_DIFFICULTY_1_TARGET: Final = 0xFFFF << 208
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]


class OtherChainError(Exception):
    """The node's chain leaves ours deeper than a reorganisation goes: a person has to look."""


async def follow(connection: Connection, source: BlockSource, config: ChainConfig) -> int:
    """Bring `chain_blocks` to the node's tip; how many blocks came. Opens transactions itself.

    NodeError if the chain moves meanwhile: what is there by then is right, the next call goes on.
    """
    tip = await source.tip()
    fork = await _fork(connection, source, config, tip)
    if fork is None:
        first = max(0, tip - config.blocks_back)
        times_s = await _times_before(source, first)
    else:
        first = fork + 1
        times_s = await _stored_times(connection, first)
        if len(times_s) < MEDIAN_SPAN:
            times_s = await _times_before(source, first)
    if first > tip:
        # A node that lost its newest blocks has nothing to put in the place of ours yet.
        await connection.execute(_SQL["cut"], {"height": tip})
    for start in range(first, tip + 1, _RUN):
        hashes = await source.hashes(start, min(tip, start + _RUN - 1))
        blocks = await source.blocks(start, hashes)
        times_s += [block.header.time_s for block in blocks]
        async with connection.transaction():
            await connection.execute(_SQL["take_turns"])
            await connection.execute(_SQL["cut"], {"height": start - 1})
            await _require_joined(connection, blocks)
            await _insert(connection, blocks, times_s, config)
        times_s = times_s[-MEDIAN_SPAN:]
    return max(0, tip + 1 - first)


async def _fork(
    connection: Connection, source: BlockSource, config: ChainConfig, tip: int
) -> int | None:
    """Height of the newest block that the node has, too; None if we have none at all."""
    rows = await _rows(connection, "hashes", {"limit": config.deepest_reorganisation + 1})
    if not rows:
        return None
    ours: dict[int, str] = dict(rows)
    highest = max(ours)
    if highest <= tip and (await source.hashes(highest, highest))[0] == ours[highest]:
        return highest
    lowest, last = min(ours), min(highest, tip)
    if last >= lowest:
        theirs = await source.hashes(lowest, last)
        for height in range(last, lowest - 1, -1):
            if theirs[height - lowest] == ours[height]:
                log.warning("chain_reorganised", fork=height, replaced=highest - height)
                return height
    raise OtherChainError(
        f"the node does not have our block {lowest}, {config.deepest_reorganisation} below the top:"
        " is it the same network?"
    )


async def _times_before(source: BlockSource, height: int) -> list[int]:
    """Header times of the ten blocks below a height, as the node has them."""
    if height == 0:
        return []
    hashes = await source.hashes(max(0, height - MEDIAN_SPAN + 1), height - 1)
    return [header.time_s for header in await source.headers(hashes)]


async def _stored_times(connection: Connection, height: int) -> list[int]:
    return [int(row[0]) for row in await _rows(connection, "times", {"height": height})]


async def _require_joined(connection: Connection, blocks: Sequence[FoundBlock]) -> None:
    """NodeError unless each block is on top of the one before it, the first one on our newest: the
    node may have changed its chain after it was asked for the fork, or for these hashes."""
    below = await _rows(connection, "hashes", {"limit": 1})
    places = below + [(block.height, block.header.hash) for block in blocks]
    above = blocks if below else blocks[1:]
    for (height, block_hash), block in zip(places, above, strict=False):
        if (height + 1, block_hash) != (block.height, block.header.prev_hash):
            raise NodeError("getblock", 0, f"block {block.height} is not on top of {block_hash}")


async def _insert(
    connection: Connection,
    blocks: Sequence[FoundBlock],
    times_s: Sequence[int],
    config: ChainConfig,
) -> None:
    offset = len(times_s) - len(blocks)
    rows = []
    for number, block in enumerate(blocks):
        subsidy = subsidy_sat(block.height, config.network)
        rows.append(
            {
                "height": block.height,
                "hash": block.header.hash,
                "prev_hash": block.header.prev_hash,
                "time_s": block.header.time_s,
                "median_s": median_time_s(times_s[: offset + number + 1]),
                "bits": block.header.bits,
                "difficulty": difficulty_text(block.header.bits),
                "subsidy_sat": subsidy,
                # A coinbase may claim less than it could: that is no negative fee.
                "fee_sat": max(0, block.claimed_sat - subsidy),
            }
        )
    async with connection.cursor() as cursor:
        await cursor.executemany(_SQL["insert"], rows)


def difficulty_text(bits: int) -> str:
    """For people, cut to 8 decimals.

    >>> difficulty_text(0x1D00FFFF)
    '1.00000000'
    """
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    scaled = (_DIFFICULTY_1_TARGET * 10**8 << 8 * 3) // (mantissa << 8 * size)
    return f"{scaled // 10**8}.{scaled % 10**8:08}"


async def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[Any]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchall()
