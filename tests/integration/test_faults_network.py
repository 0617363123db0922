"""The network between intake and the broker cut or stalled, while the pool shares on."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.process import free_port
from tests.integration.intake_world import (
    IntakeProcess,
    Pool,
    Processes,
    count_stored,
    processes,
    settled,
    until,
)
from tests.integration.wire import Wire

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

# Longer than a fetch counts as fresh (5 s), the session (6 s) and a request (10 s).
AWAY_S = 13
FRESH_S = 6
# Of what 120,000 shares would take, a buffer of 5,000 shares leaves the allocator's slack.
MEMORY_BYTES = 96 * 2**20


@pytest.fixture(scope="module")
def proxied_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def node(proxied_port: int) -> Iterator[KafkaNode]:
    """A broker that the pool reaches directly and intake through a wire."""
    data_dir = Path(tempfile.mkdtemp(prefix="hashgauge-kafka-"))
    node = KafkaNode(data_dir, proxied_port=proxied_port)
    node.start()
    yield node
    node.stop()
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture
async def wire(node: KafkaNode, proxied_port: int) -> AsyncIterator[Wire]:
    async with Wire(node.behind_proxy_port, listen=proxied_port) as wire:
        yield wire


@pytest.fixture
def intakes(database_url: str, wire: Wire, topic: str, tmp_path: Path) -> Iterator[Processes]:
    with processes(database_url, f"127.0.0.1:{wire.port}", topic, tmp_path) as started:
        yield started


@pytest.fixture
def pool(node: KafkaNode, topic: str) -> Pool:
    return Pool(node.bootstrap_servers, topic, partitions=3, seed=7)


def stream_time(database_url: str) -> datetime:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select stream_time from stream").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


class Watched:
    """The most memory that an intake took while somebody looked."""

    def __init__(self, intake: IntakeProcess) -> None:
        self._intake = intake
        self.before_bytes = self.peak_bytes = intake.memory_bytes()

    def look(self) -> None:
        self.peak_bytes = max(self.peak_bytes, self._intake.memory_bytes())


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_network_to_the_broker_away_for_longer_than_the_session(
    pool: Pool, intakes: Processes, wire: Wire, database_url: str, fault: str
) -> None:
    async with pool:
        pool.flow()
        intake = intakes.start(buffered_shares=5_000, flush_shares=2_500)
        await until(lambda: count_stored(database_url) > 1_000)
        if fault == "cut":
            await wire.cut()
        else:
            wire.stall()
        away_since, stood = time.monotonic(), stream_time(database_url)
        memory = Watched(intake)
        await pool.burst(600, shares=200)
        await asyncio.sleep(max(0.0, away_since + AWAY_S - time.monotonic()))
        stored_when_away = count_stored(database_url)
        assert stored_when_away < pool.truth.shares - 100_000
        # Nobody looks silent because the network is: stream time waits for it.
        assert (stream_time(database_url) - stood).total_seconds() < FRESH_S

        await wire.mend()

        def caught_up() -> bool:
            memory.look()
            return count_stored(database_url) > stored_when_away + 100_000

        await until(caught_up)
        await settled(pool, database_url)
        assert memory.peak_bytes < memory.before_bytes + MEMORY_BYTES
        await until(lambda: (stream_time(database_url) - stood).total_seconds() > AWAY_S)
    assert intake.process.poll() is None
