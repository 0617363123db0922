"""The embedded broker: what is produced can be read, and each start is a new, empty cluster."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.broker import EmbeddedBroker


async def test_records_come_back_and_a_new_start_is_empty() -> None:
    broker = EmbeddedBroker()
    clusters = []
    ends = []
    for records in (1, 0):
        broker.start()
        try:
            producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, acks="all")
            await producer.start()
            clusters.append(await _cluster_id(broker.bootstrap_servers))
            await producer.partitions_for("shares")
            for _ in range(records):
                await producer.send_and_wait("shares", b"{}", partition=0)
            await producer.stop()
            ends.append(await _end_offset(broker.bootstrap_servers))
        finally:
            broker.stop()
    assert ends == [1, 0]
    assert clusters[0] != clusters[1]


async def _cluster_id(bootstrap_servers: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    cluster_id: str = (await admin.describe_cluster())["cluster_id"]
    await admin.close()
    return cluster_id


async def _end_offset(bootstrap_servers: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    partition = TopicPartition("shares", 0)
    offsets = await consumer.end_offsets([partition])
    await consumer.stop()
    return int(offsets[partition])
