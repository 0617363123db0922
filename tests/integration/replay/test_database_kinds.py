"""A replay on either kind of database: what is deleted, and what the leader makes anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import CheckViolation

from aggregator.figures.rollups.timescale import TimescaleRollups
from aggregator.intake.partitions.offsets import Stream
from aggregator.postgres.lease import Lease, LeaseLostError
from aggregator.replay.completion import complete_replay
from aggregator.replay.rewind import progress, rewind
from ingest.kafka.offsets_by_time import LogPlace
from tests.integration.rollups.small_pool import RELATIONS, Row, SmallPool, midnight_s, world

HOUR_S = 3_600
START_S = midnight_s(timedelta(days=2))
SINCE_S = START_S + 7 * HOUR_S + 300
END_S = START_S + 20 * HOUR_S
BOUNDARY, NEVER_WAS = 8, 10
STREAM = Stream("c", "shares")

pytestmark = [pytest.mark.postgres, pytest.mark.timescale]


@pytest.fixture(params=["plain", "timescale"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[SmallPool]:
    fixture = {"plain": "database_url", "timescale": "timescale_url"}[request.param]
    async with world(request.getfixturevalue(fixture)) as built:
        execute = built.connection.execute
        await execute(
            "insert into intake_stream (cluster_id, topic, clock) values ('c', 'shares', 'wall')"
        )
        await execute(
            "insert into intake_partitions (cluster_id, topic, partition, next_offset, owner, "
            "stream_time) values ('c', 'shares', 0, 100, 'me', now())"
        )
        await execute("update leader set watermark = to_timestamp(%s)", (END_S,))
        yield built


def right_rows() -> list[Row]:
    """Every seventh minute; the boundary worker is among the workers."""
    return [
        Row(minute_s, worker, 1_000 * worker + minute_s % 977, (worker % 3, *[0] * 6))
        for minute_s in range(START_S, END_S, 420)
        for worker in (1, 2, 3, BOUNDARY)
    ]


def wrong_rows() -> list[Row]:
    """Too much for a worker, a worker that never was, and an hour without anybody else."""
    wrong = [Row(SINCE_S + 420 * n, 2, 5_000) for n in range(9)]
    wrong += [Row(minute_s, NEVER_WAS, 9) for minute_s in range(SINCE_S, END_S, 420)]
    return [*wrong, Row(SINCE_S + 60, NEVER_WAS, 77)]


async def contents(side: SmallPool) -> dict[str, list[tuple[Any, ...]]]:
    return {relation: await side.rows(relation) for relation in RELATIONS}


async def at_rest(side: SmallPool) -> None:
    await side.settle(END_S)
    if isinstance(side.store, TimescaleRollups):
        for table in ("worker_minutes", "entity_minutes"):
            await side.fetch(f"select compress_chunk(c, true) from show_chunks('{table}') c")


async def rewound(side: SmallPool) -> int:
    since = datetime.fromtimestamp(SINCE_S, UTC)
    places = {0: LogPlace(40, whole=True, before=None)}
    return (await rewind(side.connection, STREAM, places, since=since)).minutes_deleted


async def leading(side: SmallPool) -> Lease:
    lease = Lease("test", lease_s=-HOUR_S)
    assert await lease.acquire(side.connection)
    return lease


async def test_all_is_as_if_nothing_had_happened(side: SmallPool) -> None:
    await side.take(right_rows())
    await at_rest(side)
    right = await contents(side)
    await side.take(wrong_rows())
    await at_rest(side)
    assert await contents(side) != right
    deposed = await leading(side)
    hardware = [row for row in right_rows() if row.worker_id != BOUNDARY]
    again = [row for row in hardware if row.minute_s >= SINCE_S]
    assert await rewound(side) == len(again) + sum(row.worker_id != 2 for row in wrong_rows()) + 9
    assert await side.rows("worker_minutes") == [
        row for row in right["worker_minutes"] if row[0] < SINCE_S or row[1] == BOUNDARY
    ]
    with pytest.raises(LeaseLostError):
        async with side.connection.transaction():
            await deposed.fence(side.connection)
    lease = await leading(side)
    assert not await complete_replay(side.connection, lease, side.store)
    left = await progress(side.connection)
    assert left is not None
    assert left.messages_left == 60

    await side.take(again)
    await side.connection.execute(
        "update intake_partitions set next_offset = 100, replay_start = null, "
        "replay_until = null, replay_from = null, replay_next = null"
    )
    assert await complete_replay(side.connection, lease, side.store)
    await side.settle(END_S)
    assert await contents(side) == right
    assert await progress(side.connection) is None
    assert await side.fetch(f"select from dirty_minutes where bucket < to_timestamp({END_S})") == []


async def test_a_process_that_knows_of_no_replay_cannot_move_an_offset(side: SmallPool) -> None:
    """An aggregator of the version before, started during a replay."""
    await side.take(right_rows())
    await rewound(side)
    with pytest.raises(CheckViolation, match="intake_partitions_replay"):
        await side.connection.execute("update intake_partitions set next_offset = 50")
