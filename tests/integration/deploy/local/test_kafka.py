"""The launcher of Kafka: records survive a kill, the port stays, a second one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.errors import AlreadyRunningError
from deploy.local.kafka.node import KafkaNode


async def test_acknowledged_records_survive_a_kill(kafka: KafkaNode, topic: str) -> None:
    address = kafka.bootstrap_servers
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, b"kept")
    await producer.stop()

    kafka.kill()
    kafka.start()

    assert kafka.bootstrap_servers == address
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    record = await consumer.getone()
    await consumer.stop()
    assert record.value == b"kept"


def test_a_taken_port_is_refused(kafka: KafkaNode, tmp_path: Path) -> None:
    port = int(kafka.bootstrap_servers.rsplit(":", 1)[1])
    with pytest.raises(AlreadyRunningError, match=f"port {port} is taken"):
        KafkaNode(tmp_path, port=port).start()


def test_a_second_node_on_its_directory_is_refused_and_harms_nothing(kafka: KafkaNode) -> None:
    second = KafkaNode(kafka.log_path.parent)
    with pytest.raises(AlreadyRunningError, match="in use by another `hashgauge kafka`"):
        second.start()
    assert kafka.running
    assert not second.running
