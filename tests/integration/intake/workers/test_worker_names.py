"""A worker that its feed renames is one worker: its id, and with it its history, stays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.retry import DatabaseRetry
from deploy.database.roles import AGGREGATOR
from schemas.batch import batch_of
from schemas.names.naming import WorkerNaming
from schemas.share import Share, ShareResult
from tests.fixtures.postgres import under

KEY, OTHER_KEY = "worker_00000000c0ffee00", "worker_00000000decade00"


class Process:
    """What the pipeline does with the names of a message and its shares."""

    def __init__(self, database: DatabaseRetry) -> None:
        self._database = database
        self._registry = Registry(IntakeConfig())

    async def message(self, worker: str, *namings: tuple[str, str]) -> int:
        """The id for which a share of `worker` counts; `namings` are (key, name) beside it."""
        registry, run = self._registry, self._database.run
        batch = batch_of([Share(1_000, "alice", worker, 1.0, ShareResult.ACCEPTED, None)])
        new = registry.new_names(WorkerNaming("alice", *each) for each in namings)
        if new:
            await run(lambda db: registry.rename(db, new))
        workers, sources = registry.missing(batch)
        if workers:
            await run(lambda db: registry.register(db, workers, sources))
        if new:
            await run(lambda db: registry.remember_names(db, new))
        index, _ = registry.codes(batch)
        return int(registry.columns_of(index).worker_id[0])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[DatabaseRetry]:
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=2, open=False) as pool:
        yield DatabaseRetry(pool, IntakeConfig().database_retry)


async def names_in(database_url: str) -> dict[str, int]:
    async with await AsyncConnection.connect(database_url) as connection:
        found = await connection.execute("select name, id from workers")
        return dict(await found.fetchall())


async def test_a_name_that_comes_later_renames(database: DatabaseRetry, database_url: str) -> None:
    process = Process(database)
    worker = await process.message(KEY)
    assert await process.message("rig1", (KEY, "rig1")) == worker
    assert await names_in(database_url) == {"rig1": worker}
    # Late shares under the old name, in this process and in another.
    assert await process.message(KEY) == await Process(database).message(KEY) == worker


async def test_a_name_that_changes_renames(database: DatabaseRetry, database_url: str) -> None:
    process = Process(database)
    worker = await process.message("rig1", (KEY, "rig1"))
    assert await process.message("rig2", (KEY, "rig2")) == worker
    assert await process.message("rig1", (KEY, "rig1")) == worker
    assert await process.message("rig3", (KEY, "rig3")) == worker
    assert await names_in(database_url) == {"rig3": worker}


async def test_a_name_that_another_worker_had_is_not_its_any_more(
    database: DatabaseRetry, database_url: str
) -> None:
    process = Process(database)
    first = await process.message("rig1", (KEY, "rig1"))
    await process.message("rig2", (KEY, "rig2"))
    second = await process.message("rig1", (OTHER_KEY, "rig1"))
    assert second != first
    assert await process.message("rig2") == first
    assert await names_in(database_url) == {"rig1": second, "rig2": first}


async def test_a_name_that_another_worker_has_stays_with_it(
    database: DatabaseRetry, database_url: str
) -> None:
    process = Process(database)
    first, second = await process.message("rig1"), await process.message(KEY)
    assert await process.message("rig1", (KEY, "rig1")) == first
    assert await names_in(database_url) == {"rig1": first, KEY: second}


async def test_a_log_that_is_read_again_ends_with_the_same_names(
    database: DatabaseRetry, database_url: str
) -> None:
    log = [
        (KEY,),
        ("rig1", (KEY, "rig1")),
        ("rig2", (KEY, "rig2")),
        ("rig1", (OTHER_KEY, "rig1")),
        ("rig2",),
    ]
    process = Process(database)
    before = [await process.message(*each) for each in log]
    names = await names_in(database_url)
    again = Process(database)
    after = [await again.message(*each) for each in log]
    assert before[1] == before[2] == before[4] != before[3]
    assert (after[2], after[4]) == (before[2], before[4])
    assert await names_in(database_url) == names


async def test_a_miner_that_is_full_still_renames(database_url: str) -> None:
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=2, open=False) as pool:
        process = Process(DatabaseRetry(pool, IntakeConfig().database_retry))
        process._registry = Registry(IntakeConfig(workers_per_miner=1))
        worker = await process.message(KEY)
        other = await process.message("one too many")
        assert await process.message("rig1", (KEY, "rig1")) == worker
        assert (await names_in(database_url))["(other)"] == other
