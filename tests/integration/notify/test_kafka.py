"""Topic `worker-status` on a real Kafka: keys, values, order, and a broker that comes later."""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from zlib import crc32

import orjson
from aiokafka import AIOKafkaConsumer

from aggregator.notify.config import KafkaConfig, NotifyConfig
from deploy.local.broker import EmbeddedBroker
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing


async def test_events_arrive_keyed_by_worker_and_in_order(
    seeded: SeededEvents, kafka_bootstrap: str
) -> None:
    topic = f"worker-status-{uuid4().hex[:8]}"
    config = NotifyConfig(
        poll_s=0.05, batch=5, kafka=KafkaConfig(kafka_bootstrap, topic=topic, partitions=3)
    )
    miner = await seeded.add_miner("acme")
    workers = [await seeded.add_worker(miner, f"rig{i}") for i in range(4)]
    source = await seeded.add_source("eu1")
    for status in ("stable", "unavailable", "stable"):
        for worker in workers:
            await seeded.change(worker, status, cause="share", source=source)
    silent = await seeded.source_event(source, "source-silent", workers=12)

    async def all_taken() -> bool:
        rows = await seeded.run("select sequence from publisher_cursors where channel = 'kafka'")
        return bool(rows) and rows[0]["sequence"] == 13

    async with publishing(seeded, config):
        await until(all_taken)
    found = await _read(kafka_bootstrap, topic, 13)
    values = [orjson.loads(record.value) for record in found]
    assert sorted(value["sequence"] for value in values) == list(range(1, 14))
    for worker in {value["worker"]["id"] for value in values if "worker" in value}:
        own = [value for value in values if value.get("worker", {}).get("id") == worker]
        assert [value["number"] for value in own] == [1, 2, 3]
        assert [value["from"] for value in own] == [None, "stable", "unavailable"]
        assert {value["source"] for value in own} == {"eu1"}
    keys = {record.key for record in found if b"source-silent" in record.value}
    assert keys == {b"eu1"}
    assert all(record.partition == crc32(record.key) % 3 for record in found)
    assert [v["workers"] for v in values if v["id"] == str(silent)] == [12]


async def _read(bootstrap: str, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Any] = []
    try:
        while len(found) < count:
            found.append(await consumer.getone())
    finally:
        await consumer.stop()
    return found


async def test_small_embedded_broker_will_do(seeded: SeededEvents) -> None:
    """It creates topics by itself and knows no request for it."""
    broker = EmbeddedBroker()
    broker.start()
    try:
        config = NotifyConfig(poll_s=0.05, kafka=KafkaConfig(broker.bootstrap_servers))
        miner = await seeded.add_miner("acme")
        identity = await seeded.change(await seeded.add_worker(miner, "rig"), "stable")
        async with publishing(seeded, config):
            (record,) = await _read(broker.bootstrap_servers, "worker-status", 1)
    finally:
        broker.stop()
    assert orjson.loads(record.value)["id"] == str(identity)
