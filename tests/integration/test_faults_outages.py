"""Database and broker away, silent or full: intake waits, stream time stands, nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from tests.integration.intake_world import (
    Pool,
    Processes,
    count_stored,
    processes,
    settled,
    until,
)
from tests.integration.wire import Wire

PARTITIONS = 3


@pytest.fixture
def intakes(
    database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path
) -> Iterator[Processes]:
    with processes(database_url, kafka_bootstrap, topic, tmp_path) as started:
        yield started


@pytest.fixture
def pool(kafka_bootstrap: str, topic: str) -> Pool:
    return Pool(kafka_bootstrap, topic, partitions=PARTITIONS, seed=2)


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


async def flowing(database_url: str, more: int = 500) -> None:
    before = count_stored(database_url)
    await until(lambda: count_stored(database_url) >= before + more)


def stream_time(database_url: str) -> datetime:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select stream_time from stream").fetchone()
    assert row is not None
    assert row[0] is not None
    return row[0]


def through(url: str, server: EmbeddedPostgres, wire: Wire) -> str:
    return url.replace(f":{server.port}/", f":{wire.port}/")


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
        await flowing(database_url)
        for stop in (postgres_server.stop, postgres_server.kill):
            stop()
            await until(lambda: "intake_waits" in intake.log)
            await pool.burst(100)
            postgres_server.start()
            await flowing(database_url)
        assert "intake_resumes" in intake.log
        await settled(pool, database_url)


async def test_broker_stopped_and_started(
    pool: Pool, intakes: Processes, database_url: str, kafka: KafkaNode
) -> None:
    async with pool:
        pool.flow()
        intakes.start()
        await flowing(database_url)
        for stop in (kafka.stop, kafka.kill):
            await pool.rest()
            stop()
            stood = stream_time(database_url)
            await asyncio.sleep(7)  # longer than a fetch counts as fresh
            # Nobody looks silent because the broker is: stream time waits for it.
            assert (stream_time(database_url) - stood).total_seconds() < 6
            kafka.start()
            pool.flow()
            await flowing(database_url)
        await settled(pool, database_url)


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_network_to_the_database_cut(
    pool: Pool,
    intakes: Processes,
    database_url: str,
    postgres_server: EmbeddedPostgres,
    fault: str,
) -> None:
    async with pool, Wire(postgres_server.port) as wire:
        pool.flow()
        intake = intakes.start(database_url=through(database_url, postgres_server, wire))
        await flowing(database_url)
        if fault == "cut":
            await wire.cut()
        else:
            wire.stall()
        await until(lambda: "intake_waits" in intake.log)
        await wire.mend()
        await flowing(database_url)
        await settled(pool, database_url)


async def test_one_process_cut_off_from_the_database_is_replaced_without_double_counts(
    pool: Pool, intakes: Processes, database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    async with pool, Wire(postgres_server.port) as wire:
        pool.flow()
        lone = intakes.start(database_url=through(database_url, postgres_server, wire))
        await flowing(database_url)
        wire.stall()
        await until(lambda: "intake_waits" in lone.log)
        lone.send(signal.SIGSTOP)  # it can't even leave the group
        intakes.start()
        await flowing(database_url)
        await wire.mend()
        lone.send(signal.SIGCONT)
        await flowing(database_url)
        await settled(pool, database_url)


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
        await flowing(database_url)
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
        await settled(pool, database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop table flushed_minutes")
        connection.execute(f"drop tablespace {name}")


async def test_memory_stays_bounded_while_the_database_is_away(
    pool: Pool, intakes: Processes, database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    async with pool:
        intake = intakes.start(buffered_shares=5_000, flush_shares=2_500)
        await pool.burst(10)
        await until(lambda: count_stored(database_url) >= pool.truth.shares)
        postgres_server.stop()
        await until(lambda: "intake_waits" in intake.log)
        before = intake.memory_bytes()
        await pool.burst(600, shares=200)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            assert intake.memory_bytes() < before + 96 * 2**20
        postgres_server.start()
        await settled(pool, database_url)


async def test_frozen_broker_is_waited_for_and_makes_nobody_look_silent(
    pool: Pool, intakes: Processes, database_url: str, kafka: KafkaNode
) -> None:
    async with pool:
        pool.flow()
        intakes.start()
        await flowing(database_url)
        await pool.rest()
        kafka.pause()
        stood = stream_time(database_url)
        await asyncio.sleep(8)  # longer than a fetch counts as fresh, and than the group's session
        assert (stream_time(database_url) - stood).total_seconds() < 6
        kafka.resume()
        pool.flow()
        await flowing(database_url)
        await settled(pool, database_url)
