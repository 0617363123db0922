"""The gateway on a real broker: acknowledged means readable, and retries are recognisable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.structs import TopicPartition

from deploy.local.kafka.node import KafkaNode
from ingest.decode import Decoder
from ingest.gateway import create_gateway
from ingest.gateway_config import GatewayConfig
from ingest.record import header
from ingest.sink import KafkaShareSink, SinkConfig
from schemas import topics
from schemas.batch import shares_of
from schemas.clock import ManualClock
from schemas.codec import encode_json
from tests.unit.bad_messages import GOOD, NOW_MS

BODY = encode_json([GOOD] * 3)


async def gateway(stack: AsyncExitStack, bootstrap: str, topic: str) -> httpx2.AsyncClient:
    sink = await stack.enter_async_context(
        KafkaShareSink(SinkConfig(bootstrap, topic=topic, request_timeout_s=5.0))
    )
    app = create_gateway(
        GatewayConfig(produce_timeout_s=2.0), sink, lambda _key: True, ManualClock(NOW_MS)
    )
    return await stack.enter_async_context(
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway")
    )


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def records_of(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Everything on the topic, by partition."""
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        ends = await consumer.end_offsets(partitions)
        left = sum(ends.values())
        records = []
        while len(records) < left:
            records.append(await consumer.getone())
    return sorted(records, key=lambda each: (each.partition, each.offset))


async def test_acknowledged_shares_are_on_the_topic(
    kafka_bootstrap: str, topic: str, stack: AsyncExitStack
) -> None:
    client = await gateway(stack, kafka_bootstrap, topic)
    response = await client.post("/shares", content=BODY)
    assert (response.status_code, response.json()["accepted"]) == (202, 3)
    records = await records_of(kafka_bootstrap, topic)
    decoded = Decoder().decode(records)
    assert list(shares_of(decoded.batch)) == [GOOD] * 3
    assert header(records[0].headers, topics.PRODUCER_ID) is None


async def test_retry_at_another_gateway_is_a_repeat_on_the_same_partition(
    kafka_bootstrap: str, topic: str, stack: AsyncExitStack
) -> None:
    first = await gateway(stack, kafka_bootstrap, topic)
    second = await gateway(stack, kafka_bootstrap, topic)
    for number in range(5):
        # The first one's turn of partitions is elsewhere by now.
        await first.post("/shares", content=BODY)
        for client in (first, second):
            key = {"Idempotency-Key": f"key{number}"}
            assert (await client.post("/shares", content=BODY, headers=key)).status_code == 202
    records = await records_of(kafka_bootstrap, topic)
    places: dict[bytes, list[tuple[int, bytes | None]]] = {}
    for record in records:
        producer = header(record.headers, topics.PRODUCER_ID)
        if producer is not None:
            sequence = header(record.headers, topics.SEQUENCE)
            places.setdefault(producer, []).append((record.partition, sequence))
    assert len(places) == 5
    for copies in places.values():
        assert copies == [(copies[0][0], b"1")] * 2


async def test_broker_away_is_503_until_it_is_back(
    kafka: KafkaNode, topic: str, stack: AsyncExitStack
) -> None:
    client = await gateway(stack, kafka.bootstrap_servers, topic)
    key = {"Idempotency-Key": "once"}
    assert (await client.post("/shares", content=BODY)).status_code == 202
    kafka.stop()
    response = await client.post("/shares", content=BODY, headers=key)
    assert response.status_code == 503
    assert "Retry-After" in response.headers
    kafka.start()
    while (await client.get("/readyz")).status_code != 200:
        pass
    while (response := await client.post("/shares", content=BODY, headers=key)).status_code != 202:
        assert response.status_code == 503
    copies = [
        record
        for record in await records_of(kafka.bootstrap_servers, topic)
        if header(record.headers, topics.PRODUCER_ID) is not None
    ]
    assert (
        len({(record.partition, header(record.headers, topics.SEQUENCE)) for record in copies}) == 1
    )
