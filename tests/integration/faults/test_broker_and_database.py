"""Database and broker away, silent or full: intake waits, stream time stands, nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from tests.fixtures.tcp_proxy import TcpProxy
from tests.fixtures.until import until
from tests.integration.faults.reader import FiguresReader
from tests.integration.intake.processes import (
    Processes,
    all_registered,
    counted,
)
from tests.integration.intake.share_pool import Pool, flowing

PARTITIONS = 3
# Stream time that an outage may take to stand still: a fetch counts as fresh for 5 s, and flushes
# lie 12 s of the fast clock apart. The outages below take 7 minutes of it and more.
STANDS_S = 60


@pytest.fixture
def pool(kafka_bootstrap: str, topic: str, intakes: Processes) -> Pool:
    return Pool(kafka_bootstrap, topic, partitions=PARTITIONS, seed=2, clock=intakes.clock)


@pytest.fixture
def small_disk(postgres_server: EmbeddedPostgres) -> Iterator[Path]:
    """A folder of 24 MiB that the server may write to."""
    folder = Path(tempfile.mkdtemp(prefix="hashgauge-disk-"))
    owner = postgres_server.data_dir.stat()
    options = f"size=24m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def through(url: str, server: EmbeddedPostgres, proxy: TcpProxy) -> str:
    return url.replace(f":{server.port}/", f":{proxy.port}/")


async def test_database_stopped_and_started(
    pool: Pool, intakes: Processes, database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        # The tests' server need not survive a crash; this one's commits shall.
        name = connection.info.dbname
        connection.execute(f"alter database {name} set synchronous_commit = on")
    async with pool:
        pool.flow()
        intake = intakes.start()
        await all_registered(database_url)
        for stop in (postgres_server.stop, postgres_server.kill):
            stop()
            await until(lambda: "intake_waits" in intake.log)
            await pool.burst(100)
            postgres_server.start()
            await flowing(database_url)
        assert "intake_resumes" in intake.log
        await counted(pool, intakes, database_url)


async def test_broker_stopped_and_started(
    pool: Pool, intakes: Processes, database_url: str, kafka: KafkaNode
) -> None:
    reader = FiguresReader(database_url)
    async with pool:
        pool.flow()
        intakes.start()
        await all_registered(database_url)
        for stop in (kafka.stop, kafka.kill):
            await pool.rest()
            stop()
            stood = reader.stream_time()
            await asyncio.sleep(7)
            # Nobody looks silent because the broker is: stream time waits for it.
            assert (reader.stream_time() - stood).total_seconds() < STANDS_S
            kafka.start()
            pool.flow()
            await flowing(database_url)
            # Intake says so itself: the leader need not guess it from the shares that come first.
            assert reader.outage_s(stood) > 7 * 60 - STANDS_S
        await counted(pool, intakes, database_url)


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_network_to_the_database_cut(
    pool: Pool,
    intakes: Processes,
    database_url: str,
    postgres_server: EmbeddedPostgres,
    fault: str,
) -> None:
    async with pool, TcpProxy(postgres_server.port) as proxy:
        pool.flow()
        intake = intakes.start(database_url=through(database_url, postgres_server, proxy))
        await all_registered(database_url)
        if fault == "cut":
            await proxy.cut()
        else:
            proxy.stall()
        await until(lambda: "intake_waits" in intake.log)
        await proxy.mend()
        await flowing(database_url)
        await counted(pool, intakes, database_url)


async def test_one_process_cut_off_from_the_database_is_replaced_without_double_counts(
    pool: Pool, intakes: Processes, database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    async with pool, TcpProxy(postgres_server.port) as proxy:
        pool.flow()
        lone = intakes.start(database_url=through(database_url, postgres_server, proxy))
        await all_registered(database_url)
        proxy.stall()
        await until(lambda: "intake_waits" in lone.log)
        lone.send(signal.SIGSTOP)  # it can't even leave the group
        intakes.start()
        await flowing(database_url)
        await proxy.mend()
        lone.send(signal.SIGCONT)
        await flowing(database_url)
        await counted(pool, intakes, database_url)


async def test_full_disk_is_waited_for(
    pool: Pool, intakes: Processes, database_url: str, small_disk: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = f"small_{small_disk.name.replace('-', '_')}"
        connection.execute(f"create tablespace {name} location '{small_disk}'")
        connection.execute(f"alter table flushed_minutes set tablespace {name}")
    async with pool:
        pool.flow()
        intake = intakes.start()
        await all_registered(database_url)
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(bytes(65_536))
                    file.flush()
            except OSError:
                pass
        await pool.burst(100)
        await until(lambda: "No space left on device" in intake.log, within_s=60)
        ballast.unlink()
        await flowing(database_url)
        await counted(pool, intakes, database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop table flushed_minutes")
        connection.execute(f"drop tablespace {name}")


async def test_memory_stays_bounded_while_the_database_is_away(
    pool: Pool, intakes: Processes, database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    async with pool:
        pool.flow()
        intake = intakes.start()
        await all_registered(database_url)
        postgres_server.stop()
        await until(lambda: "intake_waits" in intake.log)
        await pool.flood()
        await asyncio.sleep(5)
        postgres_server.start()
        await counted(pool, intakes, database_url)


async def test_frozen_broker_is_waited_for_and_makes_nobody_look_silent(
    pool: Pool, intakes: Processes, database_url: str, kafka: KafkaNode
) -> None:
    reader = FiguresReader(database_url)
    async with pool:
        pool.flow()
        intakes.start()
        await all_registered(database_url)
        await pool.rest()
        kafka.pause()
        stood = reader.stream_time()
        await asyncio.sleep(8)  # longer than the group's session
        assert (reader.stream_time() - stood).total_seconds() < STANDS_S
        kafka.resume()
        pool.flow()
        await flowing(database_url)
        await counted(pool, intakes, database_url)
