"""Faults in random order for a minute and a half, repeatable by their seed; then the sums."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from tests.fixtures.tcp_proxy import TcpProxy
from tests.fixtures.until import until
from tests.integration.intake.process_main import FATAL
from tests.integration.intake.processes import (
    IntakeProcess,
    Processes,
    all_registered,
    counted,
)
from tests.integration.intake.share_pool import Pool

SEED = int(os.environ.get("HASHGAUGE_SOAK_SEED", "20260913"))
SPAN_S = float(os.environ.get("HASHGAUGE_SOAK_S", "90"))
PARTITIONS = 5
FLEET = 3


class Chaos:
    """Knows the faults, and keeps a fleet of intakes alive through them."""

    def __init__(
        self,
        intakes: Processes,
        rng: random.Random,
        *,
        postgres: EmbeddedPostgres,
        kafka: KafkaNode,
        proxy: TcpProxy,
        wired_url: str,
    ) -> None:
        self._intakes = intakes
        self._rng = rng
        self._postgres = postgres
        self._kafka = kafka
        self._wire = proxy
        self._wired_url = wired_url
        self.faults: tuple[Callable[[], Awaitable[None]], ...] = (
            self.kill,
            self.leave,
            self.freeze,
            self.restart_database,
            self.crash_database,
            self.restart_broker,
            self.freeze_broker,
            self.cut_wire,
            self.stall_wire,
        )

    @property
    def alive(self) -> list[IntakeProcess]:
        return [each for each in self._intakes.all if each.process.poll() is None]

    def replenish(self) -> None:
        """Start what a supervisor would; half of them reach the database over the proxy."""
        while len(self.alive) < FLEET:
            if self._rng.random() < 0.5:
                self._intakes.start(database_url=self._wired_url)
            else:
                self._intakes.start()

    def check(self) -> None:
        """Nobody stops but who lost a partition, and memory stays bounded."""
        ends = (None, 0, FATAL, -signal.SIGKILL, -signal.SIGTERM)  # the last one while starting
        for each in self._intakes.all:
            assert each.process.poll() in ends, each.log
            if each.process.poll() == FATAL:
                assert "was taken over by" in each.log
        self._intakes.check_memory()

    def _one(self) -> IntakeProcess:
        return self._rng.choice(self.alive)

    async def _while(self, low_s: float, high_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(low_s, high_s))

    async def kill(self) -> None:
        self._one().kill()

    async def leave(self) -> None:
        self._one().send(signal.SIGTERM)

    async def freeze(self) -> None:
        frozen = self._one()
        frozen.send(signal.SIGSTOP)
        await self._while(1, 9)  # the group's session is 6 s
        frozen.send(signal.SIGCONT)

    async def restart_database(self) -> None:
        self._postgres.stop()
        await self._while(0, 3)
        self._postgres.start()

    async def crash_database(self) -> None:
        self._postgres.kill()
        self._postgres.start()

    async def restart_broker(self) -> None:
        self._kafka.stop()
        self._kafka.start()

    async def freeze_broker(self) -> None:
        self._kafka.pause()
        await self._while(1, 5)
        self._kafka.resume()

    async def cut_wire(self) -> None:
        await self._wire.cut()
        await self._while(0, 3)
        await self._wire.mend()

    async def stall_wire(self) -> None:
        self._wire.stall()
        await self._while(1, 6)
        await self._wire.mend()


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_soak_of_random_faults_loses_and_doubles_nothing(
    intakes: Processes,
    database_url: str,
    postgres_server: EmbeddedPostgres,
    kafka: KafkaNode,
    topic: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        # The tests' server need not survive a crash; this one's commits shall.
        connection.execute(f"alter database {connection.info.dbname} set synchronous_commit = on")
    rng = random.Random(SEED)
    pool = Pool(
        kafka.bootstrap_servers, topic, partitions=PARTITIONS, seed=SEED, clock=intakes.clock
    )
    async with pool, TcpProxy(postgres_server.port) as proxy:
        wired = database_url.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        chaos = Chaos(
            intakes, rng, postgres=postgres_server, kafka=kafka, proxy=proxy, wired_url=wired
        )
        pool.flow()
        chaos.replenish()
        await all_registered(database_url)
        ends = time.monotonic() + SPAN_S
        while time.monotonic() < ends:
            chaos.replenish()
            await asyncio.sleep(rng.uniform(0.5, 4))
            chaos.check()
            fault = rng.choice(chaos.faults)
            print(f"{time.monotonic() - ends + SPAN_S:5.1f} s  {fault.__name__}")
            await fault()
        chaos.replenish()
        await counted(pool, intakes, database_url, within_s=120)
        await until(lambda: len(chaos.alive) > 0)
        chaos.check()
