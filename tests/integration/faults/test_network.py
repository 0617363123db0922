"""The network between intake and the broker cut or stalled, while the pool shares on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.process import free_port
from tests.fixtures.server_folder import server_folder
from tests.fixtures.tcp_proxy import TcpProxy
from tests.integration.faults.fast_clock import SPEED
from tests.integration.faults.reader import FiguresReader
from tests.integration.intake.processes import (
    Processes,
    all_registered,
    counted,
    led_processes,
)
from tests.integration.intake.share_pool import FLOOD_SHARES, Pool, count_stored

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

# Longer than a fetch counts as fresh (5 s), the session (6 s) and a request (10 s).
AWAY_S = 13
# Of the fast clock: a fetch counts as fresh for 5 s of it, flushes lie 12 s apart.
STANDS_S = 60


@pytest.fixture(scope="module")
def proxied_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def node(proxied_port: int) -> Iterator[KafkaNode]:
    """A broker that the pool reaches directly and intake through a proxy."""
    with server_folder("kafka") as data_dir:
        node = KafkaNode(data_dir, proxied_port=proxied_port)
        node.start()
        yield node
        node.stop()


@pytest.fixture
async def proxy(node: KafkaNode, proxied_port: int) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(node.behind_proxy_port, listen=proxied_port) as proxy:
        yield proxy


@pytest.fixture
def intakes(database_url: str, proxy: TcpProxy, topic: str, tmp_path: Path) -> Iterator[Processes]:
    with led_processes(database_url, f"127.0.0.1:{proxy.port}", topic, tmp_path) as started:
        yield started


@pytest.fixture
def pool(node: KafkaNode, topic: str, intakes: Processes) -> Pool:
    return Pool(node.bootstrap_servers, topic, partitions=3, seed=7, clock=intakes.clock)


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_network_to_the_broker_away_for_longer_than_the_session(
    pool: Pool, intakes: Processes, proxy: TcpProxy, database_url: str, fault: str
) -> None:
    reader = FiguresReader(database_url)
    async with pool:
        pool.flow()
        intake = intakes.start()
        await all_registered(database_url)
        if fault == "cut":
            await proxy.cut()
        else:
            proxy.stall()
        away_since, stood = time.monotonic(), reader.stream_time()
        await pool.flood()
        await asyncio.sleep(max(0.0, away_since + AWAY_S - time.monotonic()))
        assert count_stored(database_url) < pool.truth.shares - FLOOD_SHARES
        # Nobody looks silent because the network is: stream time waits for it.
        assert (reader.stream_time() - stood).total_seconds() < STANDS_S

        await proxy.mend()
        await counted(pool, intakes, database_url)
        assert (reader.stream_time() - stood).total_seconds() > AWAY_S * SPEED
    assert intake.process.poll() is None
