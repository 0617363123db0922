"""A log that changed under a stored offset: noticed, fatal, reset by a command, then counted."""

from __future__ import annotations

from copy import deepcopy

import psycopg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from aggregator.intake.partitions.offsets import Stream, forget, reset, show
from tests.fixtures.until import until
from tests.integration.intake.process_main import FATAL
from tests.integration.intake.processes import (
    IntakeProcess,
    Processes,
    all_registered,
    counted,
)
from tests.integration.intake.share_pool import (
    Pool,
    count_stored,
    create_topic,
    delete_topic,
    stored,
)

PARTITIONS = 2


@pytest.fixture
def pool(kafka_bootstrap: str, topic: str, intakes: Processes) -> Pool:
    return Pool(kafka_bootstrap, topic, partitions=PARTITIONS, seed=3, clock=intakes.clock)


async def all_stored(pool: Pool, database_url: str) -> None:
    await pool.rest()
    await until(lambda: count_stored(database_url) == pool.truth.shares)


async def some_taken(pool: Pool, intakes: Processes, database_url: str) -> None:
    """Shares flow, an intake takes all there are, and ends."""
    pool.flow()
    intake = intakes.start()
    await all_registered(database_url)
    await all_stored(pool, database_url)
    assert await intake.stop() == 0


async def ends_fatally(intake: IntakeProcess) -> None:
    await until(lambda: intake.process.poll() is not None)
    assert intake.process.returncode == FATAL
    assert "hashgauge offsets reset" in intake.log


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


async def reset_to_the_beginning(database_url: str) -> None:
    stream = await stream_of(database_url)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await reset(connection, stream, dict.fromkeys(range(PARTITIONS), 0))


async def test_topic_made_anew_while_nobody_looked(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await some_taken(pool, intakes, database_url)
        await made_anew(kafka_bootstrap, topic)
        # As many messages as before and more: the offsets alone look right.
        await pool.burst(2 * pool.messages)
        before = stored(database_url)
        await ends_fatally(intakes.start())
        assert stored(database_url) == before

        await reset_to_the_beginning(database_url)
        pool.flow()
        intakes.start()
        await counted(pool, intakes, database_url)


async def test_topic_made_anew_while_it_is_read(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        pool.flow()
        intake = intakes.start()
        await all_registered(database_url)
        await all_stored(pool, database_url)
        before = stored(database_url)
        await made_anew(kafka_bootstrap, topic)
        await ends_fatally(intake)
        assert stored(database_url) == before

        await reset_to_the_beginning(database_url)
        pool.flow()
        intakes.start()
        await counted(pool, intakes, database_url)


async def test_log_truncated_behind_the_stored_offset_is_fatal(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await some_taken(pool, intakes, database_url)
        taken = deepcopy(pool.truth)
        await pool.burst(40)
        await truncate(kafka_bootstrap, topic)
        await ends_fatally(intakes.start())

        # Who resets it accepts that what was cut away is lost; the rest is counted.
        pool.truth = taken
        stream = await stream_of(database_url)
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            await forget(connection, stream, range(PARTITIONS))
        pool.flow()
        intakes.start()
        await counted(pool, intakes, database_url)


async def test_log_truncated_up_to_the_stored_offset_is_fine(
    pool: Pool, intakes: Processes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    async with pool:
        await some_taken(pool, intakes, database_url)
        await truncate(kafka_bootstrap, topic)
        pool.flow()
        intakes.start()
        await counted(pool, intakes, database_url)


async def test_another_cluster_is_read_from_its_beginning(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        await some_taken(pool, intakes, database_url)
        with psycopg.connect(database_url) as connection:
            connection.execute("update intake_partitions set cluster_id = 'the old one'")
            connection.execute("truncate worker_minutes, flushed_minutes, producer_sequences")
        pool.flow()
        intakes.start()
        await counted(pool, intakes, database_url)


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
