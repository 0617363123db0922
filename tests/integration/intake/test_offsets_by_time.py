"""Where a log passes an instant, asked of a real broker and of one that cannot tell."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.broker import EmbeddedBroker
from ingest.errors import FatalError
from ingest.kafka.offsets_by_time import LogPlace, log_places
from tests.integration.intake.share_pool import create_topic

NOON_MS = 1_790_337_600_000


async def produce(bootstrap: str, topic: str, *stamps_ms: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for number, stamp_ms in enumerate(stamps_ms):
            await producer.send_and_wait(
                topic, b"%d" % number, partition=0, timestamp_ms=NOON_MS + stamp_ms
            )


async def place(bootstrap: str, topic: str, at_ms: int, prime_ms: int) -> LogPlace:
    found = await log_places(bootstrap, topic, at_ms=NOON_MS + at_ms, prime_ms=NOON_MS + prime_ms)
    return found[0]


async def test_no_record_before_the_place_is_as_new(kafka_bootstrap: str, topic: str) -> None:
    """Stamps are producers' and run to and fro."""
    await create_topic(kafka_bootstrap, topic, 1)
    await produce(kafka_bootstrap, topic, 0, 30, 10, 60, 20, 90, 50)
    found = await place(kafka_bootstrap, topic, 60, 40)
    assert (found.start, found.whole) == (3, True)
    assert found.before is not None
    assert (found.before.offset, found.before.value) == (2, b"2")
    first = await place(kafka_bootstrap, topic, 0, -100)
    assert (first.start, first.before) == (0, None)
    behind = await place(kafka_bootstrap, topic, 91, 91)
    assert behind.start == 7
    assert behind.before is not None
    assert behind.before.offset == 6


async def test_a_broker_that_cannot_tell_is_refused() -> None:
    """Its silence would mean that nothing is to be read again, and the minutes would be gone."""
    broker = EmbeddedBroker()
    broker.start()
    try:
        await produce(broker.bootstrap_servers, "shares", 0, 60)
        with pytest.raises(FatalError, match="does not say where"):
            await place(broker.bootstrap_servers, "shares", 30, 0)
    finally:
        broker.stop()
