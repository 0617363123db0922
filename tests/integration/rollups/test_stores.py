"""What the leader may rely on from the store of rollups, on either kind of database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from aggregator.figures.rollups.store import Dirty, Policies, open_rollups
from ingest.errors import FatalError
from tests.integration.rollups.small_pool import (
    REASONS,
    Row,
    SmallPool,
    midnight_s,
    until_blocked,
    world,
    world_of,
)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
START_S = midnight_s(timedelta(days=2))
LEVELS = {"15m": 900, "1h": HOUR_S, "1d": DAY_S}
STALE_ONLY = (7,) + (0,) * (REASONS - 1)

pytestmark = [pytest.mark.postgres, pytest.mark.timescale]


@pytest.fixture(params=["plain", "timescale"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[SmallPool]:
    fixture = {"plain": "database_url", "timescale": "timescale_url"}[request.param]
    async with world(request.getfixturevalue(fixture)) as built:
        yield built


async def accepted(side: SmallPool, relation: str, key: int) -> dict[int, float]:
    """Bucket start → accepted difficulty of one worker or entity."""
    rows = await side.rows(relation)
    return {row[0]: row[4] for row in rows if row[1] == key}


async def test_one_minute_is_followed_to_every_rollup(side: SmallPool) -> None:
    minute_s = START_S + 10 * HOUR_S + 7 * MINUTE_S
    await side.take([Row(minute_s, 1, 65_536, STALE_ONLY)])
    for level, width_s in LEVELS.items():
        bucket_s = minute_s - minute_s % width_s
        figures = (66, 1, 65_536.0, 7.0, 7.0, *[None] * (REASONS - 1))
        assert await side.rows(f"worker_{level}") == [(bucket_s, 1, *figures)]
        # The miner, its operator and the pool.
        assert await side.rows(f"entity_{level}") == [
            (bucket_s, entity_id, *figures) for entity_id in (1, 2, 3)
        ]


async def test_boundary_work_counts_for_its_miner_alone(side: SmallPool) -> None:
    boundary_id = 8
    await side.take([Row(START_S, boundary_id, 5)])
    await side.settle(START_S + DAY_S)
    assert [row[1] for row in await side.rows("entity_1d")] == [4]


async def test_rollups_end_where_the_stream_does(side: SmallPool) -> None:
    """A bucket that is still filling shows what it holds, before and after older ones settle."""
    await side.take([Row(START_S + minute * MINUTE_S, 1, 1) for minute in range(20)])
    await side.settle(START_S + 20 * MINUTE_S)
    assert await accepted(side, "worker_15m", 1) == {START_S: 15, START_S + 900: 5}
    await side.take([Row(START_S + 20 * MINUTE_S, 1, 1)])
    assert await accepted(side, "worker_15m", 1) == {START_S: 15, START_S + 900: 6}
    assert await accepted(side, "worker_1d", 1) == {START_S: 21}


@pytest.mark.parametrize("named", [True, False], ids=["workers named", "whole minutes"])
async def test_late_minutes_reach_settled_buckets(side: SmallPool, *, named: bool) -> None:
    hours = [START_S + hour * HOUR_S for hour in range(30)]
    await side.take([Row(hour_s, worker_id, 10) for hour_s in hours for worker_id in (1, 2)])
    await side.settle(START_S + 30 * HOUR_S)
    late = [Row(hours[3], 1, 5), Row(hours[3] + 40 * MINUTE_S, 2, 7), Row(hours[20], 9, 1)]
    await side.take(late, named=named)
    await side.settle(START_S + 30 * HOUR_S)
    assert (await accepted(side, "worker_15m", 1))[hours[3]] == 15
    assert (await accepted(side, "worker_15m", 2))[hours[3] + 2_700 - 900] == 7
    assert (await accepted(side, "worker_1h", 2))[hours[3]] == 17
    assert await accepted(side, "worker_1d", 1) == {START_S: 245, START_S + DAY_S: 60}
    assert await accepted(side, "worker_1d", 9) == {START_S: 1}
    assert (await accepted(side, "entity_1d", 1))[START_S] == 24 * 20 + 13


async def test_quiet_hours_leave_no_hole(side: SmallPool) -> None:
    """A bucket that was not complete at the last settling, and had no share since, is not lost."""
    await side.take([Row(START_S + 50 * MINUTE_S, 1, 3)])
    await side.settle(START_S + 51 * MINUTE_S)
    await side.take([Row(START_S + 3 * HOUR_S, 1, 4), Row(START_S + DAY_S, 1, 5)])
    await side.settle(START_S + DAY_S + HOUR_S)
    assert await accepted(side, "worker_1h", 1) == {
        START_S: 3,
        START_S + 3 * HOUR_S: 4,
        START_S + DAY_S: 5,
    }
    assert await accepted(side, "worker_1d", 1) == {START_S: 7, START_S + DAY_S: 5}


async def test_settled_buckets_are_stored(timescale_url: str) -> None:
    """Complete buckets are read, not summed at each read; those that still fill are not stored."""
    async with world(timescale_url) as timescale:
        hours = range(START_S, START_S + 30 * HOUR_S, HOUR_S)
        await timescale.take([Row(hour_s, 1, 10) for hour_s in hours])
        await timescale.settle(START_S + 30 * HOUR_S)
        await timescale.take([Row(START_S + 30 * HOUR_S, 1, 10)])
        for level, stored in (("15m", 30), ("1h", 30), ("1d", 1)):
            for family in ("worker", "entity"):
                relation = f"{family}_{level}"
                await timescale.connection.execute(
                    f"alter materialized view {relation} set (timescaledb.materialized_only)"
                )
                rows = await timescale.rows(relation)
                assert len({row[0] for row in rows}) == stored, relation


async def test_refreshing_again_changes_nothing(side: SmallPool) -> None:
    rows = [Row(START_S, 1, 1)]
    await side.take(rows)
    await side.settle(START_S + DAY_S)
    before = {level: await side.rows(f"worker_{level}") for level in LEVELS}
    async with side.connection.transaction():
        await side.store.refresh(side.connection, [Dirty(START_S), Dirty(START_S, (1, 2))])
    await side.settle(START_S + DAY_S)
    assert {level: await side.rows(f"worker_{level}") for level in LEVELS} == before


async def test_an_undone_cycle_leaves_rollups_alone(side: SmallPool) -> None:
    await side.take([Row(START_S, 1, 1)])
    before = await side.rows("worker_1d")
    async with side.connection.transaction(force_rollback=True):
        await side.take([Row(START_S, 1, 1)])
    await side.settle(START_S + 2 * DAY_S)
    assert await side.rows("worker_1d") == before


async def test_a_database_without_tables_is_refused(empty_database_url: str) -> None:
    async with await AsyncConnection.connect(empty_database_url) as connection:
        with pytest.raises(FatalError, match="hashgauge migrate"):
            await open_rollups(connection, Policies())


async def test_a_late_share_during_a_closing_is_in_the_closed_bucket(database_url: str) -> None:
    """The closing has read its rows and waits for a cycle that changes one of them."""
    async with world(database_url) as plain, world_of(database_url) as leader:
        await plain.take([Row(START_S + minute * MINUTE_S, 1, 10) for minute in range(20)])
        async with leader.connection.transaction():
            await leader.store.refresh(leader.connection, [])
            closing = asyncio.create_task(plain.settle(START_S + 20 * MINUTE_S))
            await until_blocked(leader.connection)
            await leader.connection.execute(
                "update worker_minutes set accepted = 15 where worker_id = 1 "
                "and bucket = to_timestamp(%s::int8)",
                (START_S + 3 * MINUTE_S,),
            )
            late = Dirty(START_S + 3 * MINUTE_S, (1,))
            await leader.store.refresh(leader.connection, [late])
        await closing
        assert await accepted(plain, "worker_15m_closed", 1) == {START_S: 155}
        assert await accepted(plain, "worker_15m", 1) == {START_S: 155, START_S + 900: 50}
        noted = await plain.fetch(
            "select extract(epoch from bucket)::int8 from late_rollups where level = '15m'"
        )
        assert set(noted) == {(START_S + 900,)}


async def test_closed_buckets_are_written_once(database_url: str) -> None:
    async with world(database_url) as plain:
        for minute in range(40):
            await plain.take([Row(START_S + minute * MINUTE_S, 1, 10)])
            await plain.settle(START_S + (minute + 1) * MINUTE_S)
        assert await accepted(plain, "worker_15m_closed", 1) == {START_S: 150, START_S + 900: 150}
        assert await accepted(plain, "worker_1h", 1) == {START_S: 400}
        versions = "select count(distinct xmin::text) from worker_15m_closed"
        assert await plain.fetch(versions) == [(2,)]
