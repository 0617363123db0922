"""A batch that claims more memory than any honest one: a dead letter; the log goes on after it."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Collection
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from ingest.dead_letters.letter import dead_letters_of
from ingest.decode.decoder import Decoder
from ingest.kafka.consumer import ConsumerConfig, ShareConsumer
from ingest.kafka.record import Record
from ingest.kafka.unreadable_batch import FETCH_BYTES
from schemas.topics import DeadLetterHeader, InvalidReason
from tests.integration.intake.batches.inflating_batch import inflating_batch
from tests.integration.intake.share_pool import create_topic

MIB = 1 << 20


async def records_of(
    kafka_bootstrap: str, topic: str, count: int, fetches: list[int] | None = None
) -> list[Record]:
    """The first records of partition 0, as intake's consumer gives them; and how many in each
    fetch."""
    consumer = ShareConsumer(ConsumerConfig(kafka_bootstrap, topic, group_id=uuid4().hex))
    assigned = asyncio.Event()

    async def on_revoked(_: Collection[int]) -> None: ...

    await consumer.start(on_revoked, lambda _: assigned.set())
    found: list[Record] = []
    try:
        async with asyncio.timeout(120):
            await assigned.wait()
            consumer.seek(0, 0)
            consumer.resume([0])
            while len(found) < count:
                fetched = (await consumer.fetch(0.2, 1_000)).records.get(0, ())
                found += fetched
                if fetches is not None:
                    fetches.append(len(fetched))
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize(
    ("codec", "megabytes"), [("gzip", 600), ("zstd", 600), ("lz4", 600), ("snappy", 150)]
)
async def test_it_is_one_dead_letter_that_says_where_it_lies(
    kafka_bootstrap: str, codec: str, megabytes: int
) -> None:
    topic = f"large-{uuid4().hex[:8]}"
    await create_topic(kafka_bootstrap, topic, 1, settings={"max.message.bytes": str(32 * MIB)})
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, max_request_size=32 * MIB)
    await producer.start()
    await producer.send_and_wait(topic, b"before", partition=0)
    batch = producer.create_batch()
    batch.append(key=None, value=b"", timestamp=None)
    batch.close()
    batch._buffer = inflating_batch(codec, megabytes)
    await (await producer.send_batch(batch, topic, partition=0))
    await producer.send_and_wait(topic, b"after", partition=0)
    await producer.stop()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    records = await records_of(kafka_bootstrap, topic, 3)

    found = [(each.offset, each.value) for each in records]
    assert found == [(0, b"before"), (3, b""), (4, b"after")]
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert grown_kib < 400 * 1_024
    (bad, *_) = (each for each in Decoder().decode(records).invalid if each.message == 1)
    assert bad.reason is InvalidReason.OVERSIZED
    (letter,) = dead_letters_of([bad], records)
    headers = {name: value.decode() for name, value in letter.headers}
    assert headers[DeadLetterHeader.TOPIC] == topic
    assert headers[DeadLetterHeader.PARTITION] == "0"
    assert headers[DeadLetterHeader.OFFSET] == "3"
    assert headers[DeadLetterHeader.DETAIL].startswith(f"batch of offsets 1 to 3: {codec} ")


async def test_batches_that_fit_one_by_one_come_in_several_fetches(kafka_bootstrap: str) -> None:
    """Together they would take memory without a limit, too."""
    topic = f"many-{uuid4().hex[:8]}"
    await create_topic(kafka_bootstrap, topic, 1)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, compression_type="zstd", max_request_size=64 * MIB
    )
    await producer.start()
    for number in range(6):
        await producer.send_and_wait(topic, bytes([number]) * (30 * MIB), partition=0)
    await producer.stop()
    fetches: list[int] = []
    records = await records_of(kafka_bootstrap, topic, 6, fetches)
    assert [each.value[0] for each in records if each.value] == list(range(6))
    assert max(fetches) <= FETCH_BYTES // (30 * MIB) + 1
