"""The Kafka sink while the broker goes and comes back: what the simulator says it sent is there."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.producer.sender import Sender

from deploy.local.kafka.node import KafkaNode
from ingest.errors import FatalError, RetryableError
from ingest.kafka.producer import KafkaShareSink, ShareMessage, SinkConfig
from ingest.simulator import Progress, Simulator, SimulatorConfig
from schemas.batch import batch_of
from schemas.share import Share, ShareResult

START_MS = 1_790_265_600_000
POOL = SimulatorConfig(
    workers=30, accounts=4, start_ms=START_MS, duration_s=3_600, speed=None, run_id="test"
)


async def records_of(bootstrap: str, topic: str) -> list[Any]:
    """Everything on the topic, less repeats as intake drops them."""
    records: list[Any] = []
    highest: dict[tuple[bytes, int], int] = {}
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, p) for p in range(4)])
        async with asyncio.timeout(60):
            while any([await consumer.position(at) < end for at, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records += [each for each in batch if _new(each, highest)]
    return records


def _new(record: Any, highest: dict[tuple[bytes, int], int]) -> bool:
    headers = dict(record.headers)
    identity, sequence = (headers["producer-id"], record.partition), int(headers["sequence"])
    if sequence <= highest.get(identity, -1):
        return False
    highest[identity] = sequence
    return True


def difficulties(records: list[Any]) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    for record in records:
        value = orjson.loads(record.value)
        for share in value if isinstance(value, list) else [value]:
            sums[share["account_name"], share["worker_name"]] += int(share["difficulty"])
    return sums


def true_difficulties(simulator: Simulator) -> Counter[tuple[str, str]]:
    columns = simulator.truth.columns()
    sums: Counter[tuple[str, str]] = Counter()
    rows = zip(columns["account_name"], columns["worker_name"], strict=True)
    work = (columns["accepted"] + columns["rejected"]).tolist()
    for key, difficulty in zip(rows, work, strict=True):
        sums[key] += int(difficulty)
    return sums


@pytest.mark.parametrize("graceful", [True, False])
async def test_broker_that_goes_and_comes_back_costs_nothing(
    kafka: KafkaNode, topic: str, graceful: bool
) -> None:
    # Slow enough to be in the middle of it when the broker goes.
    simulator = Simulator(dataclasses.replace(POOL, max_shares_per_s=1_500.0))
    stop = asyncio.Event()
    reached = asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.messages > 20:
            reached.set()

    config = SinkConfig(kafka.bootstrap_servers, topic, encoding="json", request_timeout_s=2.0)
    async with KafkaShareSink(config) as sink:
        run = asyncio.create_task(simulator.run(sink, stop=stop, progress=watch))
        await reached.wait()
        kafka.stop() if graceful else kafka.kill()
        with pytest.raises(TimeoutError):  # longer than a request may take: producers are replaced
            async with asyncio.timeout(3):
                await asyncio.shield(run)
        kafka.start()  # not in a thread: the node dies with the thread that started it
        async with asyncio.timeout(60):
            summary = await run
    found = difficulties(await records_of(kafka.bootstrap_servers, topic))
    assert summary.end_ms == START_MS + 3_600_000
    assert found == true_difficulties(simulator)


async def test_final_shares_reach_every_partition(kafka_bootstrap: str, topic: str) -> None:
    settings = dataclasses.replace(POOL, duration_s=120, final_share_per_partition=True)
    async with KafkaShareSink(SinkConfig(kafka_bootstrap, topic, encoding="json")) as sink:
        simulator = Simulator(settings)
        await simulator.run(sink, stop=asyncio.Event())
    last = {record.partition: record for record in await records_of(kafka_bootstrap, topic)}
    assert {each.timestamp for each in last.values()} == {START_MS + 120_000}
    assert sorted(last) == [0, 1, 2, 3]


async def test_no_broker_is_retryable() -> None:
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        async with KafkaShareSink(SinkConfig("127.0.0.1:1", request_timeout_s=0.5)):
            pass


async def test_partition_that_does_not_exist_is_fatal(kafka_bootstrap: str, topic: str) -> None:
    share = Share(START_MS, "acct", "rig", 1.0, ShareResult.ACCEPTED)
    message = ShareMessage(batch_of([share]), START_MS, "k", "p", 1, partition=77)
    async with KafkaShareSink(SinkConfig(kafka_bootstrap, topic)) as sink:
        with pytest.raises(FatalError, match="no partition 77"):
            await sink.send(message)


async def test_message_that_the_broker_never_takes_is_fatal(
    kafka_bootstrap: str, topic: str
) -> None:
    share = Share(START_MS, "acct", "x" * 10_000, 1.0, ShareResult.ACCEPTED)
    message = ShareMessage(batch_of([share]), START_MS, "k", "p", 1)
    config = SinkConfig(kafka_bootstrap, topic, max_message_bytes=2_000)
    async with KafkaShareSink(config) as sink:
        with pytest.raises(FatalError, match="bytes"):
            await sink.send(message)


async def test_start_that_is_cut_short_leaves_nothing_running(
    kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = asyncio.Event()

    async def no_answer(_sender: Sender) -> None:
        hangs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Sender, "_maybe_wait_for_pid", no_answer)
    before = asyncio.all_tasks()
    asking = asyncio.create_task(KafkaShareSink(SinkConfig(kafka_bootstrap, topic)).partitions())
    async with asyncio.timeout(20):
        await hangs.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asyncio.all_tasks() == before
