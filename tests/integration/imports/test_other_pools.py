"""History of Miningcore's table and of btcpool's topic: whose work, how much, and once."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from psycopg import AsyncConnection

from ingest.errors import FatalError
from ingest.feeds.btcpool.feed import BtcpoolConfig
from ingest.feeds.btcpool.share import BTC_SHARE
from ingest.history.btcpool import open_btcpool
from ingest.history.miningcore import MiningcoreHistory
from ingest.kafka.topics import ensure_topic
from tests.integration.imports.importing import NOW, imported, rows_of

BEGIN = NOW - timedelta(days=200)
HEADER = "poolid,blockheight,difficulty,networkdifficulty,miner,worker,useragent,source,created"
SUMS = (
    "select account_name, name, sum(accepted), sum(rejected) from worker_1d"
    " join workers on workers.id = worker_id join miners on miners.id = workers.miner_id"
    " group by 1, 2 order by 1, 2"
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        yield opened


def line(n: int, *, pool: str = "btc1", difficulty: str = "2048.5", miner: str = "alice") -> str:
    created = (BEGIN + timedelta(seconds=30 * n)).isoformat(sep=" ")
    return f"{pool},1,{difficulty},9,{miner},rig1,cgminer,eu,{created}"


async def test_miningcores_export_counts_its_pool_once(
    connection: AsyncConnection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "shares.csv"
    good = [line(n) for n in range(100)] + [line(n, miner="bc1qbob") for n in range(50)]
    odd = [line(1, difficulty="NaN"), line(1, difficulty="-1"), line(2, miner=""), "btc1,1"]
    other = [line(n, pool="ltc1", difficulty="1e9") for n in range(20)]
    path.write_text("\n".join([HEADER, *good, *odd, *other]) + "\n")
    with pytest.raises(FatalError, match="btc1, ltc1: say which with --pool"):
        await imported(connection, MiningcoreHistory([path]))
    first = await imported(connection, MiningcoreHistory([path], pool="btc1"))
    assert (first.counted, sum(first.refused.values())) == (150, 4)
    again = await imported(connection, MiningcoreHistory([path], pool="btc1"))
    assert again.counted == 0
    assert await rows_of(connection, SUMS) == [
        ("alice", "rig1", 100 * 2048.5, 0.0),
        ("bc1qbob", "rig1", 50 * 2048.5, 0.0),
    ]


def record(n: int) -> bytes:
    share = BTC_SHARE.encode(
        workerhashid=7, userid=42, status=1798084231, sharediff=8,
        timestamp=int(BEGIN.timestamp()) + n,
    )  # fmt: skip
    return struct.pack("<I", 0x00010004) + share


async def test_btcpools_topic_counts_under_the_names_of_its_events(
    connection: AsyncConnection[Any], kafka_bootstrap: str, topic: str, tmp_path: Path
) -> None:
    named = {"user_id": 42, "worker_id": 7, "worker_name": "rig.1", "miner_agent": "x"}
    accounts = tmp_path / "accounts.json"
    accounts.write_bytes(orjson.dumps({"42": "carol"}))
    events = f"{topic}-events"
    for name in (topic, events):
        await ensure_topic(kafka_bootstrap, name, partitions=1, replication=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        event = orjson.dumps({"type": "worker_update", "content": named})
        values = [(events, event), *((topic, record(n)) for n in range(250)), (topic, b"?")]
        sent = [await producer.send(name, value, partition=0) for name, value in values]
        await asyncio.gather(*sent)
    config = BtcpoolConfig(
        kafka_bootstrap, Path(), share_topic=topic, event_topic=events, accounts_path=accounts
    )
    for counted in (250, 0):
        async with open_btcpool(config) as history:
            assert (await imported(connection, history)).counted == counted
    assert await rows_of(connection, SUMS) == [("carol", "rig.1", 250 * 8.0, 0.0)]
