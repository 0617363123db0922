"""Flushed rows become worker minutes: every row once, whatever happens beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregator.figures.minutes.merge import merge_flushed
from aggregator.figures.minutes.reader import minute_timestamp, read_dirty
from aggregator.postgres.lease import Lease, LeaseLostError
from schemas.share import REJECT_REASONS
from tests.integration.figures.fake_intake import START, FakeIntake, Work, at

MINUTE = int(START.timestamp()) // 60


@pytest.fixture(
    params=[
        pytest.param("database_url", marks=pytest.mark.postgres),
        pytest.param("timescale_url", marks=pytest.mark.timescale),
    ]
)
async def connection(request: pytest.FixtureRequest) -> AsyncIterator[AsyncConnection[Any]]:
    url = request.getfixturevalue(request.param)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as opened:
        yield opened


@pytest.fixture
async def intake(connection: AsyncConnection[Any]) -> FakeIntake:
    intake = FakeIntake(connection)
    await intake.set_up(workers=6)
    return intake


@pytest.fixture
async def lease(connection: AsyncConnection[Any]) -> Lease:
    lease = Lease("merge", lease_s=-1.0)
    assert await lease.acquire(connection)
    return lease


async def merge(
    connection: AsyncConnection[Any],
    lease: Lease,
    *,
    late_before: int = 0,
    before: int | None = None,
) -> int:
    """Block by block, so that every test has several chunks where it has several blocks."""
    merged = await merge_flushed(
        connection,
        lease,
        late_before=MINUTE + late_before,
        before=None if before is None else MINUTE + before,
        rows_per_chunk=1,
        blocks_per_read=1,
    )
    return merged.rows


async def waiting(connection: AsyncConnection[Any]) -> int:
    """Flushed rows that are not merged."""
    ((count,),) = await fetch(connection, "select count(*) from flushed_minutes")
    return int(count)


async def fetch(connection: AsyncConnection[Any], query: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode())).fetchall()


MINUTES = (
    "select worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,"
    " source_id, last_share_at from worker_minutes order by bucket, worker_id"
)


async def test_rows_of_one_minute_add_up_and_go(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await intake.flush([Work(3, 1, 10.0, second=5, source=1), Work(3, 1, 0.0, 4.0)])
    await intake.flush([Work(3, 1, 20.0, second=50, source=2)])
    assert await merge(connection, lease) == 1
    assert await fetch(connection, MINUTES) == [
        (1, 6, 1, 30.0, 4.0, 4.0, None, 2, at(3 + 50 / 60)),
    ]
    await intake.flush([Work(3, 1, 1.0, 8.0, second=20, source=1)])
    assert await merge(connection, lease) == 1
    assert await fetch(connection, MINUTES) == [
        (1, 9, 2, 31.0, 12.0, 12.0, None, 2, at(3 + 50 / 60)),
    ]
    assert await waiting(connection) == 0
    assert await merge(connection, lease) == 0


async def test_a_minute_is_not_cut_where_blocks_are_empty(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    """Rows of one minute in several blocks, after blocks that nobody has vacuumed yet."""
    for minute in (3, 4):
        await intake.flush([Work(minute, 1 + n % 6, 1.0, second=n % 60) for n in range(600)])
        merged = await merge_flushed(
            connection, lease, late_before=0, rows_per_chunk=600, blocks_per_read=2
        )
        assert list(merged.first_written) == [MINUTE + minute]
        assert merged.first_written[MINUTE + minute].accepted.tolist() == [100.0] * 6
    ((blocks,),) = await fetch(
        connection, "select pg_relation_size('flushed_minutes') / 8192 as blocks"
    )
    assert blocks > 6
    assert await waiting(connection) == 0


async def test_every_reason_adds_up_on_its_own(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    """Both within one merge and on top of what is there; no work stays null."""
    for number, reason in enumerate(REJECT_REASONS):
        for _ in range(2):
            await connection.execute(
                f"insert into flushed_minutes (bucket, worker_id, miner_id, accepted_count, "
                f"rejected_count, accepted, rejected, {reason}) "
                "values (%s, 1, 3, 0, 1, 0, %s, %s)",
                (at(number), number + 1.0, number + 1.0),
            )
            await merge(connection, lease)
    rows = await fetch(
        connection,
        f"select rejected, {', '.join(REJECT_REASONS)} from worker_minutes order by bucket",
    )
    for number, row in enumerate(rows):
        expected: list[float | None] = [None] * len(REJECT_REASONS)
        expected[number] = 2.0 * (number + 1)
        assert row == (2.0 * (number + 1), *expected)


async def test_late_minutes_are_listed_with_their_workers(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await intake.flush([Work(1, 2, 1.0), Work(1, 4, 1.0), Work(1, 2, 1.0), Work(30, 1, 1.0)])
    await merge(connection, lease, late_before=20)
    listed = await fetch(connection, "select bucket, worker_ids from dirty_minutes order by 1")
    assert [(bucket, ids and sorted(ids)) for bucket, ids in listed] == [
        (at(1), [2, 4]),
        (at(30), None),
    ]


async def test_minute_listed_whole_and_in_part_is_whole(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    await connection.execute(
        "insert into dirty_minutes (bucket, worker_ids) values"
        " (%(two)s, '{4, 2}'), (%(one)s, '{3}'), (%(two)s, '{2, 9}'), (%(one)s, null)",
        {"one": at(1), "two": at(2)},
    )
    one, two = await read_dirty(connection, at(3).timestamp())
    assert (one.minute, one.worker_ids, len(one.ids)) == (MINUTE + 1, None, 2)
    assert (two.minute, two.worker_ids, len(two.ids)) == (MINUTE + 2, (2, 4, 9), 2)


async def test_many_blocks_move_whole(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await connection.execute(
        "insert into flushed_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count,"
        " accepted, rejected) select %s + (n %% 40) * interval '1 minute', 1 + n %% 6, 3, 1, 0, n,"
        " 0 from generate_series(1, 5000) as n",
        (minute_timestamp(MINUTE),),
    )
    blocks = await fetch(connection, "select pg_relation_size('flushed_minutes') / 8192")
    assert blocks[0][0] > 10
    assert await merge(connection, lease) > 120, "several chunks hold rows of the same minute"
    assert await waiting(connection) == 0
    totals = "select sum(accepted_count), sum(accepted), count(*) from worker_minutes"
    assert await fetch(connection, totals) == [(5_000, 5_000 * 5_001 / 2, 120)]


async def test_minute_in_progress_can_wait_until_it_is_over(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await intake.flush([Work(1, 1, 1.0), Work(2, 1, 2.0), Work(3, 1, 4.0), Work(2, 2, 8.0)])
    assert await merge(connection, lease, before=2) == 1
    assert await waiting(connection) == 3
    assert await merge(connection, lease, before=3) == 2
    totals = "select sum(accepted), count(*) from worker_minutes"
    assert await fetch(connection, totals) == [(11.0, 3)]


async def test_lease_is_kept_through_a_long_merge(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await intake.flush([Work(3, 1, 10.0)])
    await connection.execute("update leader set renewed_at = now() - interval '1 hour'")
    await merge(connection, lease)
    standby = Lease("standby", lease_s=60.0)
    assert not await standby.acquire(connection)


async def test_who_lost_the_lease_moves_nothing(
    connection: AsyncConnection[Any], intake: FakeIntake, lease: Lease
) -> None:
    await intake.flush([Work(3, 1, 10.0)])
    successor = Lease("successor", lease_s=-1.0)
    assert await successor.acquire(connection)
    with pytest.raises(LeaseLostError):
        await merge(connection, lease)
    assert await waiting(connection) == 1
    assert await merge(connection, successor) == 1


async def test_flushes_that_commit_meanwhile_are_moved_once(database_url: str) -> None:
    """Intake commits, aborts and has transactions open while the leader merges again and again."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(database_url, autocommit=True) as leader,
        await connect(database_url, autocommit=True) as first,
        await connect(database_url, autocommit=True) as second,
    ):
        intake = FakeIntake(first)
        await intake.set_up(workers=6)
        lease = Lease("merge", lease_s=-1.0)
        assert await lease.acquire(leader)

        async def write(connection: AsyncConnection[Any], abort_every: int) -> int:
            committed = 0
            for number in range(300):
                async with connection.transaction(force_rollback=number % abort_every == 0):
                    await connection.execute(
                        "insert into flushed_minutes (bucket, worker_id, miner_id, accepted_count,"
                        " rejected_count, accepted, rejected) select %s, n, 3, 1, 0, 1, 0"
                        " from generate_series(1, 6) as n",
                        (at(number % 7),),
                    )
                committed += 6 if number % abort_every else 0
            return committed

        writers = asyncio.gather(write(first, 5), write(second, 7))
        while not writers.done():
            await merge(leader, lease)
            await asyncio.sleep(0)
        await merge(leader, lease)
        totals = "select sum(accepted_count), count(*) from worker_minutes"
        assert await fetch(leader, totals) == [(sum(await writers), 42)]
        assert await waiting(leader) == 0
