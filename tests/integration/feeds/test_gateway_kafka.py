"""The gateway on a real broker: acknowledged means readable, and retries are recognisable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.structs import TopicPartition

from deploy.local.kafka.node import KafkaNode
from deploy.local.process import free_port
from ingest.decode.decoder import Decoder
from ingest.gateway.app import create_gateway
from ingest.gateway.config import GatewayConfig
from ingest.kafka.producer import KafkaShareSink, SinkConfig
from ingest.kafka.record import header
from schemas import topics
from schemas.batch import shares_of
from schemas.codec import encode_json
from schemas.runtime.clock import ManualClock
from tests.acceptance.processes import Service, answers, wait_until
from tests.fixtures.until import until
from tests.integration.intake.processes import processes
from tests.integration.intake.share_pool import Truth, count_stored, create_topic, stored
from tests.unit.ingest.bad_messages import GOOD, NOW_MS

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


@asynccontextmanager
async def running_gateway(service: Service) -> AsyncIterator[int]:
    """`hashgauge gateway` as a process, once it is ready; its port."""
    port = free_port()
    with (
        service.running("gateway", "--port", str(port)) as process,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        wait_until(lambda: answers(client, "/readyz"), "the gateway is ready", process.check)
        yield port


async def post(port: int, body: bytes, key: str) -> int:
    """The status of the answer."""
    async with httpx2.AsyncClient() as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/shares", content=body, headers={"Idempotency-Key": key}
        )
    return answer.status_code


async def post_and_hear_nothing(
    port: int, body: bytes, key: str, *, bootstrap: str, topic: str
) -> None:
    """The same, but the connection breaks when the broker has the shares: the answer is lost."""
    head = f"POST /shares HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nIdempotency-Key: {key}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def taken() -> bool:
        return bool(await records_of(bootstrap, topic))

    await until(taken)
    writer.transport.abort()


async def test_shares_posted_again_after_a_lost_answer_and_a_restart_count_once(
    kafka_bootstrap: str, topic: str, database_url: str, tmp_path: Path
) -> None:
    await create_topic(kafka_bootstrap, topic, 1)  # whatever follows the last share was taken
    service = Service(database_url, kafka_bootstrap, topic, tmp_path)
    now_ms = time.time_ns() // 1_000_000
    thrice = [replace(GOOD, timestamp_ms=now_ms)] * 3
    last = [replace(GOOD, timestamp_ms=now_ms, worker_name="last")]
    body, truth = encode_json(thrice), Truth()
    truth.add(thrice + last)
    with processes(database_url, kafka_bootstrap, topic, tmp_path) as intakes:
        intakes.start()
        async with running_gateway(service) as port:
            await post_and_hear_nothing(port, body, "once", bootstrap=kafka_bootstrap, topic=topic)
            assert await post(port, body, "once") == 202
        await until(lambda: count_stored(database_url) == 3)
        async with running_gateway(service) as port:
            assert await post(port, body, "once") == 202
            assert await post(port, encode_json(last), "last") == 202
        await until(lambda: count_stored(database_url) >= truth.shares)
    assert stored(database_url) == truth.expected
    # The gateway sent each of them on; it is intake that knows a repeat.
    assert len(await records_of(kafka_bootstrap, topic)) == 4
