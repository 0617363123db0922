"""A batch that cannot be read: nothing that was read beside it is lost, and it is tried again."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Collection
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException

from ingest.errors import RetryableError
from ingest.kafka.consumer import ConsumerConfig, ShareConsumer
from tests.integration.intake.share_pool import create_topic

PARTITIONS, RECORDS = 2, 12


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    """Two partitions; every record is a batch of its own."""
    name = f"damaged-{uuid4().hex[:8]}"
    await create_topic(kafka_bootstrap, name, PARTITIONS)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    for number in range(RECORDS):
        for partition in range(PARTITIONS):
            await producer.send_and_wait(name, b"%d" % number, partition=partition)
    await producer.stop()
    return name


@pytest.mark.parametrize(
    "error", [CorruptRecordException("bad size"), zlib.error("bad block"), ValueError("bad UTF-8")]
)
async def test_what_was_read_beside_a_damaged_batch_is_not_lost(
    kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Damaged in memory or on the wire: read again it is whole."""
    damaged = {(0, 4), (1, 7), (1, 0)}
    whole = PartitionRecords._consumer_record

    def read(records: Any, tp: Any, record: Any) -> Any:
        if (tp.partition, record.offset) in damaged:
            damaged.remove((tp.partition, record.offset))
            raise error
        return whole(records, tp, record)

    monkeypatch.setattr(PartitionRecords, "_consumer_record", read)
    consumer = ShareConsumer(ConsumerConfig(kafka_bootstrap, topic, group_id=topic))
    assigned = asyncio.Event()

    async def on_revoked(_: Collection[int]) -> None: ...

    await consumer.start(on_revoked, lambda _: assigned.set())
    failures = 0
    found: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    try:
        async with asyncio.timeout(60):
            await assigned.wait()
            for partition in range(PARTITIONS):
                consumer.seek(partition, 0)
            consumer.resume(range(PARTITIONS))
            while sum(map(len, found.values())) < PARTITIONS * RECORDS:
                try:
                    fetched = await consumer.fetch(0.2, 100)
                except RetryableError:
                    failures += 1
                    continue
                for partition, records in fetched.records.items():
                    found[partition] += [record.offset for record in records]
    finally:
        await consumer.stop()
    assert failures == 3
    assert found == {partition: list(range(RECORDS)) for partition in range(PARTITIONS)}
