"""Intake processes that come, go, die and freeze: every share is counted once all the same."""

from __future__ import annotations

import signal

import psycopg
import pytest

from tests.fixtures.until import until
from tests.integration.intake.process_main import FATAL
from tests.integration.intake.processes import (
    Processes,
    all_registered,
    counted,
)
from tests.integration.intake.share_pool import Pool, flowing

PARTITIONS = 4


@pytest.fixture
def pool(kafka_bootstrap: str, topic: str, intakes: Processes) -> Pool:
    return Pool(kafka_bootstrap, topic, partitions=PARTITIONS, seed=1, clock=intakes.clock)


def owners(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute("select owner from intake_partitions")}


async def test_killed_in_mid_flow_resumes_where_it_committed(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow(pause_s=0.005)
        for _ in range(4):
            intake = intakes.start()
            await flowing(database_url)
            await all_registered(database_url)
            intake.kill()
        intakes.start()
        await counted(pool, intakes, database_url)


async def test_processes_that_join_and_leave_share_the_partitions(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow()
        first = intakes.start()
        await all_registered(database_url)
        intakes.start()
        intakes.start()
        await until(lambda: len(owners(database_url)) == 3)
        await flowing(database_url)
        assert await first.stop() == 0
        await until(lambda: len(owners(database_url)) == 2)
        await flowing(database_url)
        await counted(pool, intakes, database_url)
    assert "taken over" not in intakes.logs


async def test_rolling_restart_stops_nothing_and_fences_nobody(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow()
        running = [intakes.start(), intakes.start()]
        await until(lambda: len(owners(database_url)) == 2)
        await all_registered(database_url)
        for _ in range(4):
            running.append(intakes.start())
            assert await running.pop(0).stop() == 0
            await flowing(database_url)
        await counted(pool, intakes, database_url)
    assert "taken over" not in intakes.logs


async def test_frozen_owner_that_wakes_up_writes_nothing_and_stops(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow()
        zombie = intakes.start()
        await all_registered(database_url)
        intakes.start()
        await until(lambda: zombie.log.count("partitions_claimed") == 2)
        zombie.send(signal.SIGSTOP)
        await until(lambda: len(owners(database_url)) == 1)
        await flowing(database_url)
        zombie.send(signal.SIGCONT)
        await until(lambda: zombie.process.poll() is not None)
        assert zombie.process.returncode == FATAL
        assert "was taken over by" in zombie.log
        await counted(pool, intakes, database_url)


async def test_two_groups_by_mistake_never_count_twice(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow()
        first = intakes.start(group_id="first")
        await all_registered(database_url)
        intakes.start(group_id="second")
        await until(lambda: first.process.poll() is not None)
        assert first.process.returncode == FATAL
        await counted(pool, intakes, database_url)


async def test_partitions_added_while_running_are_taken_from_their_beginning(
    pool: Pool, intakes: Processes, database_url: str
) -> None:
    async with pool:
        pool.flow()
        intakes.start()
        await all_registered(database_url)
        await pool.widen(7)
        pool.flow()
        await settled_with_rows(pool, intakes, database_url, partitions=7)


async def settled_with_rows(
    pool: Pool, intakes: Processes, database_url: str, *, partitions: int
) -> None:
    def rows() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute("select count(*) from intake_partitions").fetchone()
        return 0 if row is None else int(row[0])

    await until(lambda: rows() == partitions)
    await flowing(database_url)
    await counted(pool, intakes, database_url)
