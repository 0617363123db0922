"""Our header chain follows a real node: medians, fees, reorganisations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from psycopg import AsyncConnection

from aggregator.chain.blocks import median_time_s, parse_header, subsidy_sat
from aggregator.chain.config import ChainConfig
from aggregator.chain.follow import OtherChainError, difficulty_text, follow
from aggregator.chain.json_rpc import JsonRpc, NodeError
from aggregator.chain.source import NodeSource, SimulatedSource, bits_of
from schemas.addresses.bitcoin import BitcoinNetwork

CONFIG = ChainConfig(network=BitcoinNetwork.REGTEST, blocks_back=1_000)


@pytest.fixture
async def rpc(bitcoin_rpc_url: str) -> AsyncIterator[JsonRpc]:
    async with JsonRpc(bitcoin_rpc_url) as opened:
        yield opened


async def stored(connection: AsyncConnection[Any]) -> list[Any]:
    cursor = await connection.execute(
        "select height, hash, extract(epoch from median_time)::int8, subsidy_sat, fee_sat"
        " from chain_blocks order by height"
    )
    return await cursor.fetchall()


@pytest.mark.bitcoin
@pytest.mark.postgres
async def test_rows_are_the_nodes_chain(rpc: JsonRpc, connection: AsyncConnection[Any]) -> None:
    await rpc.call("generate", 152)
    assert await follow(connection, NodeSource(rpc), CONFIG) == 153
    assert await follow(connection, NodeSource(rpc), CONFIG) == 0
    rows = await stored(connection)
    assert [row[0] for row in rows] == list(range(153))
    assert rows[-1][1] == await rpc.call("getbestblockhash")
    info = await rpc.call("getblockchaininfo")
    assert rows[-1][2] == info["mediantime"]
    assert (rows[149][3], rows[150][3]) == (50 * 10**8, 25 * 10**8)
    assert {row[4] for row in rows} == {0}


@pytest.mark.bitcoin
@pytest.mark.postgres
async def test_a_reorganisation_replaces_the_rows_above_the_fork(
    rpc: JsonRpc, connection: AsyncConnection[Any]
) -> None:
    await rpc.call("generate", 20)
    await follow(connection, NodeSource(rpc), CONFIG)
    before = await stored(connection)
    await rpc.call("invalidateblock", before[18][1])
    await rpc.call("generate", 4)
    assert await follow(connection, NodeSource(rpc), CONFIG) == 4
    after = await stored(connection)
    assert after[:18] == before[:18]
    assert len(after) == 22
    assert not {row[1] for row in after[18:]} & {row[1] for row in before}
    assert after[-1][1] == await rpc.call("getbestblockhash")


class ReorganisedMeanwhile(NodeSource):
    """Its node leaves the newest block of ours as soon as it was asked for the fork."""

    async def hashes(self, first: int, last: int) -> list[str]:
        found = await super().hashes(first, last)
        if first == 20:
            await self._rpc.call("invalidateblock", found[0])
            await self._rpc.call("generate", 3)
        return found


@pytest.mark.bitcoin
@pytest.mark.postgres
async def test_a_chain_that_changes_while_it_is_read_leaves_no_block_of_the_other_one(
    rpc: JsonRpc, connection: AsyncConnection[Any]
) -> None:
    await rpc.call("generate", 20)
    await follow(connection, NodeSource(rpc), CONFIG)
    await rpc.call("generate", 1)
    with pytest.raises(NodeError, match="not on top"):
        await follow(connection, ReorganisedMeanwhile(rpc), CONFIG)
    await follow(connection, NodeSource(rpc), CONFIG)
    found = [row[1] for row in await stored(connection)]
    assert found == await NodeSource(rpc).hashes(0, 22)


@pytest.mark.bitcoin
@pytest.mark.postgres
async def test_another_chain_is_left_to_a_person(
    rpc: JsonRpc, connection: AsyncConnection[Any]
) -> None:
    await rpc.call("generate", 20)
    shallow = replace(CONFIG, deepest_reorganisation=5)
    await follow(connection, NodeSource(rpc), shallow)
    await connection.execute("update chain_blocks set hash = 'other' || hash")
    with pytest.raises(OtherChainError):
        await follow(connection, NodeSource(rpc), shallow)


@pytest.mark.postgres
async def test_a_made_up_chain_grows_by_the_clock(connection: AsyncConnection[Any]) -> None:
    now_s = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
    config = replace(CONFIG, network=BitcoinNetwork.MAINNET, blocks_back=200)
    source = SimulatedSource(lambda: now_s, difficulty=1e14, network=config.network)
    assert await follow(connection, source, config) == 201
    now_s += 1_200
    assert await follow(connection, source, config) == 2
    rows = await stored(connection)
    assert all(0 < row[4] < row[3] // 10 for row in rows)
    assert {later[2] - row[2] for row, later in pairwise(rows)} == {600}


def test_the_genesis_header_is_read() -> None:
    raw = bytes.fromhex(
        "01000000"
        + "00" * 32
        + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
        + "29ab5f49ffff001d1dac2b7c"
    )
    header = parse_header(raw)
    assert header.hash == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert (header.time_s, header.bits) == (1_231_006_505, 0x1D00FFFF)


@pytest.mark.parametrize(
    ("times_s", "median"), [([5], 5), ([1, 9, 3], 3), (list(range(20, 0, -1)), 6)]
)
def test_median_of_the_newest_eleven(times_s: list[int], median: int) -> None:
    assert median_time_s(times_s) == median


def test_difficulty_and_bits_are_each_other() -> None:
    for difficulty in (1.0, 16_307.0, 1.1e14):
        shown = float(difficulty_text(bits_of(difficulty)))
        assert abs(shown / difficulty - 1) < 1e-4


def test_subsidies_halve() -> None:
    assert subsidy_sat(839_999, BitcoinNetwork.MAINNET) == 625_000_000
    assert subsidy_sat(210_000 * 64, BitcoinNetwork.MAINNET) == 0
