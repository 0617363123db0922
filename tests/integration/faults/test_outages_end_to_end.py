"""Outages are not deaths, end to end: real Kafka and PostgreSQL, intake, leader, a small pool.

By the wall clock as in production. Statuses are judged at full minutes, so each fault spans one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from ingest.kafka.producer import KafkaShareSink, ShareMessage, SinkConfig, deliver
from schemas.batch import batch_of
from schemas.share import Share, ShareResult
from tests.fixtures.until import until
from tests.integration.faults.reader import FiguresReader
from tests.integration.intake.processes import Processes, processes
from tests.integration.intake.share_pool import create_topic

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(420)]

SILENT_S = 20
# Every fault begins this long before a full minute: judged by that minute, all would be silent.
LEAD_S = 25
SETTINGS = {
    "clock": "wall",
    "cycle_s": 5.0,
    "cycle_phase_s": 3.0,
    # A timely cycle moves stream time by a minute; the broker's outage moves it by two.
    "outage_gap_s": 60,
    "status": {
        "silent_min_s": SILENT_S,
        "silent_max_s": SILENT_S,
        "rate_min_span_s": 10,
        "source_silent_min_s": 5,
    },
}
# Enough for their source to be reader of, were it silent.
WORKERS = [f"rig{number}" for number in range(12)]


class Rigs:
    """Workers on one source that share each second; what the broker does not take in is late."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.alive = list(WORKERS)
        self._sink = KafkaShareSink(SinkConfig(bootstrap, topic, request_timeout_s=5.0))
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Rigs:
        await self._sink.__aenter__()
        self._task = asyncio.create_task(self._share())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._stop.set()
        await self._task
        await self._sink.__aexit__(*exc)

    async def _share(self) -> None:
        producer_id, sequence = uuid4().hex, 0
        while not self._stop.is_set():
            now_ms = time.time_ns() // 1_000_000
            shares = [
                Share(now_ms, "acme", name, 1_024.0, ShareResult.ACCEPTED, "eu-1")
                for name in self.alive
            ]
            sequence += 1
            message = ShareMessage(
                batch_of(shares), now_ms, key="", producer_id=producer_id, sequence=sequence
            )
            await deliver(self._sink, message, stop=self._stop)
            await asyncio.sleep(1)


def start(aggregator: Processes) -> None:
    """Intake and leader, as `kill` leaves them to be started again."""
    aggregator.start()
    aggregator.lead(SETTINGS)


async def reached(reader: FiguresReader, minute: datetime) -> None:
    await until(lambda: reader.watermark() >= minute, within_s=40)


async def before_minute(seconds: int) -> datetime:
    """Wait until `seconds` before a full minute; that minute."""
    now_s = time.time()
    begin_s = (now_s + seconds) // 60 * 60 + 60 - seconds
    await asyncio.sleep(begin_s - now_s)
    return datetime.fromtimestamp(begin_s + seconds, UTC)


async def past(minute: datetime) -> None:
    await asyncio.sleep(minute.timestamp() + 2 - time.time())


@pytest.fixture
async def rigs(kafka: KafkaNode, topic: str) -> AsyncIterator[Rigs]:
    await create_topic(kafka.bootstrap_servers, topic, 2)
    async with Rigs(kafka.bootstrap_servers, topic) as rigs:
        yield rigs


@pytest.fixture
def aggregator(
    rigs: Rigs, database_url: str, kafka: KafkaNode, topic: str, tmp_path: Path
) -> Iterator[Processes]:
    """Intake and leader as processes, to be killed and started again."""
    with processes(database_url, kafka.bootstrap_servers, topic, tmp_path) as aggregator:
        start(aggregator)
        yield aggregator


@contextmanager
def stopped(server: KafkaNode | EmbeddedPostgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


async def test_only_the_worker_that_really_stops_is_told(
    rigs: Rigs,
    aggregator: Processes,
    database_url: str,
    kafka: KafkaNode,
    postgres_server: EmbeddedPostgres,
) -> None:
    reader = FiguresReader(database_url)
    await until(lambda: reader.registered() == len(WORKERS))

    minute = await before_minute(LEAD_S)
    with stopped(kafka):
        await past(minute)
        await asyncio.sleep(10)  # two cycles
        assert reader.watermark() < minute
        await past(minute + timedelta(minutes=1))
    await reached(reader, minute + timedelta(minutes=1))
    assert reader.alarms() == []

    minute = await before_minute(LEAD_S)
    with stopped(postgres_server):
        await past(minute)
    await reached(reader, minute)
    assert reader.alarms() == []

    minute = await before_minute(LEAD_S)
    aggregator.kill()
    dead = rigs.alive.pop()
    await past(minute)
    start(aggregator)
    await reached(reader, minute)
    assert reader.alarms() == [("worker-status-changed", dead, "unavailable", "silence")]
