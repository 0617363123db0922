"""A log that changed under a stored offset: noticed, fatal, told how to settle it, settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from aggregator.minutes.offsets import Stream, forget, settle, show
from tests.integration.intake_main import FATAL
from tests.integration.intake_world import (
    IntakeProcess,
    Pool,
    Processes,
    count_stored,
    create_topic,
    delete_topic,
    processes,
    stored,
    until,
)

PARTITIONS = 2


@pytest.fixture
def intakes(
    database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path
) -> Iterator[Processes]:
    with processes(database_url, kafka_bootstrap, topic, tmp_path) as started:
        yield started


@pytest.fixture
def pool(kafka_bootstrap: str, topic: str) -> Pool:
    return Pool(kafka_bootstrap, topic, partitions=PARTITIONS, seed=3)


async def all_stored(pool: Pool, database_url: str) -> None:
    await until(lambda: count_stored(database_url) == pool.truth.shares)


async def ends_fatally(intake: IntakeProcess) -> None:
    await until(lambda: intake.process.poll() is not None)
    assert intake.process.returncode == FATAL
    assert "hashgauge offsets settle" in intake.log


async def made_anew(bootstrap: str, topic: str) -> None:
    await delete_topic(bootstrap, topic)

    async def created() -> bool:
        try:
            await create_topic(bootstrap, topic, PARTITIONS)
        except KafkaError:  # it is still being deleted
            return False
        return True

    await until(created)


async def stream_of(database_url: str) -> Stream:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = (await show(connection))[0]
    return Stream(row.cluster_id, row.topic)


async def test_topic_made_anew_while_nobody_looked(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await pool.burst(30)
        first = intakes.start()
        await all_stored(pool, database_url)
        assert first.stop() == 0
        await made_anew(kafka_bootstrap, topic)
        # As many messages as before and more: the offsets alone look right.
        await pool.burst(80)
        before = stored(database_url)
        await ends_fatally(intakes.start())
        assert stored(database_url) == before

        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            await settle(connection, await stream_of(database_url), dict.fromkeys(range(2), 0))
        intakes.start()
        await all_stored(pool, database_url)
        assert stored(database_url) == pool.truth.expected


async def test_topic_made_anew_while_it_is_read(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await pool.burst(30)
        intake = intakes.start()
        await all_stored(pool, database_url)
        before = stored(database_url)
        await made_anew(kafka_bootstrap, topic)
        await ends_fatally(intake)
        assert stored(database_url) == before


async def test_log_truncated_behind_the_stored_offset_is_fatal(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await pool.burst(20)
        first = intakes.start()
        await all_stored(pool, database_url)
        assert first.stop() == 0
        lost = stored(database_url)
        await pool.burst(40)
        await truncate(kafka_bootstrap, topic)
        await ends_fatally(intakes.start())

        # Whoever settles it accepts that what was cut away is lost; the rest is counted.
        stream = await stream_of(database_url)
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            await forget(connection, stream, range(PARTITIONS))
        shares = pool.truth.shares
        await pool.burst(10)
        more = pool.truth.shares - shares
        counted = count_stored(database_url)
        intakes.start()
        await until(lambda: count_stored(database_url) == counted + more)
        assert sum(row[0] for row in lost.values()) < counted + more


async def test_log_truncated_up_to_the_stored_offset_is_fine(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await pool.burst(20)
        first = intakes.start()
        await all_stored(pool, database_url)
        assert first.stop() == 0
        await truncate(kafka_bootstrap, topic)
        await pool.burst(20)
        intakes.start()
        await all_stored(pool, database_url)
        assert stored(database_url) == pool.truth.expected


async def test_another_cluster_is_read_from_its_beginning(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        await pool.burst(20)
        first = intakes.start()
        await all_stored(pool, database_url)
        assert first.stop() == 0
        with psycopg.connect(database_url) as connection:
            connection.execute("update intake_partitions set cluster_id = 'the old one'")
            connection.execute("truncate flushed_minutes, producer_sequences")
        intakes.start()
        await all_stored(pool, database_url)
        with psycopg.connect(database_url) as connection:
            row = connection.execute("select stream_time, caught_up from stream").fetchone()
        assert row is not None
        assert row[0] is not None


async def truncate(bootstrap: str, topic: str) -> None:
    """Delete every record there is."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(topic, partition): RecordsToDelete(before_offset=-1)
                for partition in range(PARTITIONS)
            }
        )
    finally:
        await admin.close()
