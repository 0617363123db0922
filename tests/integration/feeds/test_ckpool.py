"""The ckpool feed as a process on a real Kafka, killed again and again: exact sums at the end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.feeds.position import Positions
from ingest.kafka.producer import KafkaShareSink, SinkConfig

DATA = Path(__file__).parents[2] / "data" / "ckpool"

FEED = """
import asyncio, sys
from pathlib import Path
from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed
from ingest.kafka.producer import KafkaShareSink, SinkConfig

async def main():
    config = CkpoolConfig(Path(sys.argv[3]), Path(sys.argv[4]), chunks_per_plan=4)
    async with KafkaShareSink(SinkConfig(sys.argv[1], sys.argv[2], encoding="json")) as sink:
        await CkpoolFeed(config, sink).run(asyncio.Event())

asyncio.run(main())
"""


async def start_feed(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", FEED, *arguments, cwd=Path(__file__).parents[3]
    )


async def end_offset(bootstrap: str, topic: str) -> int:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, p) for p in range(4)])
        return sum(ends.values())


async def taken_in(bootstrap: str, topic: str) -> dict[tuple[str, str, str], list[Any]]:
    """(account, worker, result) → count and difficulty, without repeats, as intake counts."""
    sums: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    highest: dict[tuple[str, int], int] = {}
    left = await end_offset(bootstrap, topic)
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        async with asyncio.timeout(30):
            while left:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    left -= len(records)
                    for record in records:
                        _take(record, highest, sums)
    return dict(sums)


def _take(record: Any, highest: dict[tuple[str, int], int], sums: Any) -> None:
    headers = dict(record.headers)
    identity = (headers["producer-id"].decode(), record.partition)
    sequence = int(headers["sequence"])
    if sequence <= highest.get(identity, 0):
        return
    highest[identity] = sequence
    value = orjson.loads(record.value)
    for share in value if isinstance(value, list) else [value]:
        cell = sums[share["account_name"], share["worker_name"], share["result"]]
        cell[0] += 1
        cell[1] += Decimal(repr(share["difficulty"]))


def truth() -> dict[tuple[str, str, str], list[Any]]:
    workers = orjson.loads((DATA / "truth.json").read_bytes())["workers"]
    return {
        (worker["username"], login[len(worker["username"]) + 1 :] or "default", result): [
            sums["count"],
            Decimal(sums["difficulty"]),
        ]
        for login, worker in workers.items()
        for result, sums in worker["results"].items()
    }


async def test_killed_again_and_again_every_share_counts_once(
    kafka_bootstrap: str, topic: str, tmp_path: Path
) -> None:
    arguments = (kafka_bootstrap, topic, str(DATA / "logs"), str(tmp_path / "position"))
    async with KafkaShareSink(SinkConfig(kafka_bootstrap, topic)) as sink:
        assert await sink.partitions() == 4
    kills = 0
    for messages in (1, 6, 13):  # killed as soon as so many more have arrived
        wanted = await end_offset(kafka_bootstrap, topic) + messages
        process = await start_feed(*arguments)
        while process.returncode is None and await end_offset(kafka_bootstrap, topic) < wanted:
            await asyncio.sleep(0.01)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        await process.wait()
    process = await start_feed(*arguments)
    assert await process.wait() == 0
    assert kills
    assert await taken_in(kafka_bootstrap, topic) == truth()
    with Positions(tmp_path / "position") as positions:
        assert positions.planned() == []
