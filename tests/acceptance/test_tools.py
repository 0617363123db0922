"""The tools beside the service: status, offsets, doctor, dead letters, keys, rebuild."""

from __future__ import annotations

import re

import pytest
from aiokafka import AIOKafkaProducer

from tests.acceptance.processes import Service, wait_until

pytestmark = pytest.mark.slow

START = "2026-03-02T00:00:00Z"
END_MS = 1_772_410_800_000


async def test_a_person_can_look_and_mend(
    service: Service, kafka_bootstrap: str, topic: str
) -> None:
    simulate = ("simulate", "--workers", "5", "--start", START, "--duration", "1200", "--final")
    service.run(*simulate, "--speed", "max")
    await _send_nonsense(kafka_bootstrap, topic)
    with service.running("aggregate") as aggregator:
        wait_until(
            lambda: bool(service.value("select watermark = '2026-03-02T00:20:00Z' from leader")),
            "the figures reach the end",
            aggregator.check,
        )
        status = service.run("status")
        assert "2026-03-02 00:20:00Z" in status
        assert "intake@" in status
        assert re.search(r"stable +5", status)
        assert topic in service.run("offsets", "show")
        assert "schema" in service.run("doctor"), "and it ends with code 0: nothing fails"
        letters = service.run("dead-letters", "list")
        assert "malformed_json" in letters
        assert "1 dead letters" in letters
        _rebuilds(service)
    _keys(service)


def _rebuilds(service: Service) -> None:
    before = service.query("select * from entity_minutes order by entity_id, bucket")
    assert before
    with_hole = "delete from entity_minutes where bucket = '2026-03-02T00:05:00Z' returning 1"
    assert service.query(with_hole)
    span = ("--from", "2026-03-02T00:00", "--to", "2099-01-01")
    assert "20 minutes are listed" in service.run("rebuild", *span)
    assert service.query("select * from entity_minutes order by entity_id, bucket") == before


def _keys(service: Service) -> None:
    made = service.run("keys", "create", "billing")
    key_id = re.findall(r"key ([0-9a-f-]{36})", made)[0]
    assert service.value("select count(*) from api_keys where revoked_at is null") == 1
    assert "billing" in service.run("keys", "list")
    service.run("keys", "revoke", key_id)
    assert service.value("select count(*) from api_keys where revoked_at is null") == 0


async def _send_nonsense(bootstrap: str, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, b"{no", timestamp_ms=END_MS)
    await producer.stop()
