"""Outages are not deaths, end to end: real Kafka and PostgreSQL, intake, leader, a small pool.

By the wall clock as in production. Statuses are judged at full minutes, so each fault spans one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from ingest.sink import KafkaShareSink, ShareMessage, SinkConfig, deliver
from schemas.batch import batch_of
from schemas.share import Share, ShareResult
from tests.integration.intake_world import create_topic, processes, until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(420)]

SILENT_S = 20
# Every fault begins this long before a full minute: judged by that minute, all would be silent.
LEAD_S = 25
SETTINGS = {
    "clock": "wall",
    "beat_s": 5.0,
    "beat_phase_s": 3.0,
    # A timely beat moves stream time by a minute; the broker's outage moves it by two.
    "outage_gap_s": 60,
    "status": {
        "silent_min_s": SILENT_S,
        "silent_max_s": SILENT_S,
        "rate_min_span_s": 10,
        "source_silent_min_s": 5,
    },
}
# Enough for their source to be told of, were it silent.
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


class Aggregator:
    """Intake and leader as processes, to be killed and started again."""

    def __init__(self, database_url: str, bootstrap: str, topic: str, log_dir: Path) -> None:
        self._url, self._log_path = database_url, log_dir / "leader.log"
        self._intakes = processes(database_url, bootstrap, topic, log_dir)
        self._leader: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Aggregator:
        self._started = self._intakes.__enter__()
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()
        self._intakes.__exit__(None, None, None)
        print(f"--- leader\n{self._log_path.read_text()}")

    def start(self) -> None:
        self._started.start()
        arguments = [self._url, f"leader-{uuid4().hex[:6]}", json.dumps(SETTINGS)]
        with self._log_path.open("ab") as log:
            self._leader = subprocess.Popen(
                [sys.executable, "-m", "tests.fixtures.figures_process", *arguments],
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        for intake in self._started.all:
            intake.kill()
        if self._leader is not None:
            self._leader.kill()
            self._leader.wait()


class Told:
    """What the database says of stream time and of statuses."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def _rows(self, statement: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(statement).fetchall()

    def newcomers(self) -> int:
        return len(self._rows("select from events where cause = 'first_share'"))

    def alarms(self) -> list[tuple[Any, ...]]:
        """(kind, worker, status, cause) of all events but first shares."""
        return self._rows(
            "select kind, workers.name, to_status, cause from events"
            " left join workers on workers.id = worker_id"
            " where cause <> 'first_share' order by events.id"
        )

    def complete_to(self) -> datetime:
        """The end of the last minute that the leader has judged."""
        ((found,),) = self._rows("select complete_to from leader")
        assert isinstance(found, datetime)
        return found

    async def judged(self, minute: datetime) -> None:
        await until(lambda: self.complete_to() >= minute, within_s=40)


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
) -> Iterator[Aggregator]:
    with Aggregator(database_url, kafka.bootstrap_servers, topic, tmp_path) as aggregator:
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
    aggregator: Aggregator,
    database_url: str,
    kafka: KafkaNode,
    postgres_server: EmbeddedPostgres,
) -> None:
    told = Told(database_url)
    await until(lambda: told.newcomers() == len(WORKERS))

    minute = await before_minute(LEAD_S)
    with stopped(kafka):
        await past(minute)
        await asyncio.sleep(10)  # two beats
        assert told.complete_to() < minute
        await past(minute + timedelta(minutes=1))
    await told.judged(minute + timedelta(minutes=1))
    assert told.alarms() == []

    minute = await before_minute(LEAD_S)
    with stopped(postgres_server):
        await past(minute)
    await told.judged(minute)
    assert told.alarms() == []

    minute = await before_minute(LEAD_S)
    aggregator.kill()
    dead = rigs.alive.pop()
    await past(minute)
    aggregator.start()
    await told.judged(minute)
    assert told.alarms() == [("worker-status-changed", dead, "unavailable", "silence")]
