"""Old rows go by stream time, and never before, or out of, what is made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from aggregator.figures.rollups.store import Dirty
from tests.integration.rollups.small_pool import Row, SmallPool, midnight_s, world

DAY_S = 86_400
# Ends yesterday at midnight: six days, of which the default keeps three of minutes.
DAYS = [midnight_s(timedelta(days=7)) + day * DAY_S for day in range(6)]
END_S = DAYS[-1] + DAY_S
NOON_S = DAY_S // 2

pytestmark = [pytest.mark.postgres, pytest.mark.timescale]


@pytest.fixture(params=["plain", "timescale"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[SmallPool]:
    fixture = {"plain": "database_url", "timescale": "timescale_url"}[request.param]
    async with world(request.getfixturevalue(fixture)) as built:
        await built.take([Row(day_s + NOON_S, 1, 10) for day_s in DAYS])
        await built.settle(END_S)
        yield built


async def minutes_left(side: SmallPool) -> int:
    ((left,),) = await side.fetch("select count(*) from worker_minutes")
    return int(left)


async def test_rollups_outlive_their_minutes(side: SmallPool) -> None:
    before = await side.rows("worker_15m")
    assert len(before) == len(DAYS)
    await side.retain(END_S)
    assert await minutes_left(side) == 3
    assert await side.rows("worker_15m") == before
    assert len(await side.rows("worker_1d")) == len(DAYS)


async def test_a_dropped_range_is_not_made_anew(side: SmallPool) -> None:
    """Its minutes are gone: what a refresh could make of the rest would be too small."""
    await side.retain(END_S)
    before = await side.rows("worker_1d")
    async with side.connection.transaction():
        await side.store.refresh(side.connection, [Dirty(day_s + NOON_S) for day_s in DAYS])
    await side.settle(END_S)
    assert await side.rows("worker_1d") == before


async def test_minutes_that_the_leader_has_not_read_stay(side: SmallPool) -> None:
    await side.connection.execute(
        "insert into dirty_minutes (bucket) values (to_timestamp(%s::int8))",
        (DAYS[1] + NOON_S,),
    )
    await side.retain(END_S)
    assert await minutes_left(side) == len(DAYS) - 1


async def test_the_wall_clock_drops_nothing(side: SmallPool) -> None:
    """After an outage stream time is days back, and so are the minutes that come in then."""
    await side.retain(DAYS[2])
    assert await minutes_left(side) == len(DAYS)


async def test_retention_before_the_first_cycle_does_nothing(timescale_url: str) -> None:
    async with world(timescale_url) as timescale:
        await timescale.run_jobs("proc_name = 'hashgauge_retain'")
        assert await timescale.fetch("select * from retention_marks") == []
