"""A flush: offsets and minutes, all of it once or none of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from aggregator.figures.minutes_reader import read_position
from aggregator.minutes import offsets
from aggregator.minutes.checkpoint import Checkpoint, PartitionShare
from aggregator.minutes.config import IntakeConfig, StreamClock
from aggregator.minutes.offsets import Claim, Fenced, Stream
from aggregator.minutes.outages import Outage
from aggregator.minutes.registry import Registry
from aggregator.minutes.writer import Flushed, Writer
from ingest.errors import FatalError
from ingest.record import PlainRecord
from schemas.batch import batch_of
from schemas.share import Share, ShareResult

STREAM = Stream("cluster", "shares")
NOON_S = 1_790_337_600


class World:
    """A writer and what it needs, holding partition 0."""

    def __init__(self, connections: AsyncConnectionPool[Any]) -> None:
        self.connections = connections
        self.config = IntakeConfig()
        self.registry = Registry(self.config)
        self.writer = Writer(self.config, self.registry)

    async def claim(
        self, partition: int = 0, owner: str = "me", clock: StreamClock = "wall"
    ) -> Claim:
        async with self.connections.connection() as connection:
            claims = await offsets.claim(
                connection, STREAM, beginnings={partition: 0}, owner=owner, clock=clock
            )
        return claims[0]

    async def checkpoint(
        self, claim: Claim, *shares: Share, from_offset: int = 0, to: int = 10
    ) -> Checkpoint:
        batch = batch_of(shares)
        async with self.connections.connection() as connection:
            await self.registry.learn(connection, *self.registry.missing(batch))
        slot, source = self.registry.codes(batch)
        checkpoint = Checkpoint()
        checkpoint.add(batch, slot, source)
        checkpoint.partitions[claim.partition] = PartitionShare(
            claim.partition,
            claim.owner_epoch,
            from_offset,
            to,
            last=PlainRecord(b"x", timestamp=NOON_S * 1_000, offset=to - 1),
            stream_ms=NOON_S * 1_000,
        )
        return checkpoint

    async def flush(self, checkpoint: Checkpoint) -> Flushed:
        async with self.connections.connection() as connection:
            rows = checkpoint.rows()
            return await self.writer.flush(connection, STREAM, checkpoint, rows=rows)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with AsyncConnectionPool(database_url, min_size=1, max_size=3, open=False) as pool:
        yield World(pool)


def share(
    second: int, worker: str = "rig", difficulty: float = 1.0, result: int = 0, source: str = "eu"
) -> Share:
    return Share(
        (NOON_S + second) * 1_000, "alice", worker, difficulty, ShareResult(result), source
    )


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()


async def test_what_is_not_there_is_null(world: World, database_url: str) -> None:
    claim = await world.claim()
    shares = [
        share(1),
        share(2, difficulty=4.0, result=1),
        share(3, "b", result=2, difficulty=8.0),
        Share((NOON_S + 4) * 1_000, "alice", "c", 16.0, ShareResult.ACCEPTED, None),
    ]
    await world.flush(await world.checkpoint(claim, *shares))
    found = rows(
        database_url,
        "select workers.name, accepted_count, rejected_count, accepted, rejected, stale, duplicate,"
        " extract(epoch from last_share_at)::int8, sources.name, operator_id"
        " from flushed_minutes join workers on workers.id = worker_id"
        " left join sources on sources.id = source_id order by 1",
    )
    assert found == [
        ("b", 0, 1, 0.0, 8.0, None, 8.0, None, None, None),
        ("c", 1, 0, 16.0, 0.0, None, None, NOON_S + 4, None, None),
        ("rig", 1, 1, 1.0, 4.0, 4.0, None, NOON_S + 1, "eu", None),
    ]


async def test_repeating_a_committed_flush_changes_nothing(world: World, database_url: str) -> None:
    checkpoint = await world.checkpoint(await world.claim(), share(1))
    assert not (await world.flush(checkpoint)).repeated
    assert (await world.flush(checkpoint)).repeated
    assert rows(database_url, "select sum(accepted_count)::int4 from flushed_minutes") == [(1,)]


async def test_who_lost_a_partition_writes_nothing_at_all(world: World, database_url: str) -> None:
    claim = await world.claim()
    checkpoint = await world.checkpoint(claim, share(1))
    await world.claim(owner="another")
    with pytest.raises(Fenced, match="taken over by 'another'"):
        await world.flush(checkpoint)
    assert rows(database_url, "select count(*)::int4 from flushed_minutes") == [(0,)]


async def test_one_lost_partition_of_two_stops_the_whole_flush(
    world: World, database_url: str
) -> None:
    first, second = await world.claim(0), await world.claim(1)
    checkpoint = await world.checkpoint(first, share(1))
    checkpoint.partitions[1] = PartitionShare(1, second.owner_epoch, 0, 5)
    await world.claim(1, owner="another")
    with pytest.raises(Fenced):
        await world.flush(checkpoint)
    assert rows(database_url, "select sum(next_offset)::int4 from intake_partitions") == [(0,)]


@pytest.mark.parametrize("stamp_ms", [-1, NOON_S * 1_000 + 123, NOON_S * 1_000_000])
async def test_last_record_is_known_again_whatever_its_stamp(world: World, stamp_ms: int) -> None:
    """Producers have stamped microseconds before; no database names that year."""
    claim = await world.claim()
    record = PlainRecord(b"x", timestamp=stamp_ms, offset=9)
    await world.flush(Checkpoint({0: PartitionShare(0, claim.owner_epoch, 0, 10, last=record)}))
    again = await world.claim()
    assert again.last is not None
    offsets.verify(0, again.last, record)


async def test_stale_offset_under_the_right_epoch_is_fenced(world: World) -> None:
    claim = await world.claim()
    await world.flush(await world.checkpoint(claim, share(1)))
    with pytest.raises(Fenced):
        await world.flush(await world.checkpoint(claim, share(2), from_offset=3, to=12))


def noon(second: int) -> int:
    return (NOON_S + second) * 1_000


async def flush_outage(world: World, claim: Claim, number: int, stream_s: int, *outage: int) -> int:
    """One flush that moves stream time to `stream_s`, with an outage (seconds after noon) or none;
    the number of the next."""
    found = Outage(noon(outage[0]), noon(outage[1])) if outage else None
    part = PartitionShare(
        claim.partition,
        claim.owner_epoch,
        number,
        number + 1,
        stream_ms=noon(stream_s),
        outage=found,
    )
    await world.flush(Checkpoint({claim.partition: part}))
    return number + 1


async def known_outage(world: World) -> list[tuple[int, int]]:
    """What the leader reads, in seconds after noon."""
    async with world.connections.connection() as connection:
        position = await read_position(connection)
    return [(stood_s - NOON_S, again_s - NOON_S) for stood_s, again_s in position.outages]


async def test_newest_outage_is_kept_until_the_next(world: World) -> None:
    claim = await world.claim()
    number = await flush_outage(world, claim, 0, 100)
    assert await known_outage(world) == []
    number = await flush_outage(world, claim, number, 400, 100, 400)
    number = await flush_outage(world, claim, number, 500)
    assert await known_outage(world) == [(100, 400)]
    await flush_outage(world, claim, number, 900, 500, 900)
    assert await known_outage(world) == [(500, 900)]


async def test_outage_that_a_backlog_has_not_come_to_is_joined_with_the_next(world: World) -> None:
    claim = await world.claim()
    number = await flush_outage(world, claim, 0, 10, 100, 400)
    await flush_outage(world, claim, number, 50, 600, 900)
    assert await known_outage(world) == [(100, 900)]


async def test_partitions_that_were_out_at_once_are_one_outage(world: World) -> None:
    first, second, third = [await world.claim(partition) for partition in range(3)]
    await flush_outage(world, third, 0, 60, 20, 60)
    await flush_outage(world, first, 0, 400, 100, 400)
    await flush_outage(world, second, 0, 403, 98, 403)
    assert await known_outage(world) == [(98, 403)]


async def test_fractional_difficulties_keep_every_bit(world: World, database_url: str) -> None:
    claim = await world.claim()
    await world.flush(await world.checkpoint(claim, share(1, difficulty=0.1 + 0.2)))
    assert rows(database_url, "select accepted from flushed_minutes") == [(0.1 + 0.2,)]


async def test_large_flush_reaches_the_table_whole(world: World, database_url: str) -> None:
    claim = await world.claim()
    rng = np.random.default_rng(3)
    shares = [
        share(int(at), f"w{worker}", float(difficulty), int(result))
        for at, worker, difficulty, result in zip(
            rng.integers(0, 600, 20_000),
            rng.integers(0, 900, 20_000),
            rng.integers(1, 2**20, 20_000),
            rng.integers(0, 8, 20_000),
            strict=True,
        )
    ]
    await world.flush(await world.checkpoint(claim, *shares))
    reasons = (
        "stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid"
    )
    per_reason = [
        sum(each.difficulty for each in shares if each.result == code) for code in range(1, 8)
    ]
    sums = ", ".join(f"sum({name})" for name in reasons.split(", "))
    assert rows(database_url, f"select {sums} from flushed_minutes") == [tuple(per_reason)]
    assert rows(
        database_url, "select sum(accepted_count + rejected_count)::int4 from flushed_minutes"
    ) == [(20_000,)]


async def test_stream_time_is_that_of_the_partition_furthest_behind(
    world: World, database_url: str
) -> None:
    assert rows(database_url, "select stream_time, caught_up from stream") == [(None, False)]
    claim = await world.claim()
    assert rows(database_url, "select stream_time from stream") == [(None,)]
    await world.flush(await world.checkpoint(claim, share(1)))
    # A partition added later holds the service where it is until it is read.
    later = await world.claim(1)
    assert later.stream_time is not None
    found = rows(database_url, "select extract(epoch from stream_time)::int8 from stream")
    assert found == [(NOON_S,)]


@pytest.mark.parametrize("clock", ["wall", "records"])
async def test_wild_clock_of_a_host_takes_stream_time_nowhere(
    world: World, database_url: str, clock: StreamClock
) -> None:
    """It never goes back, so a month ahead would be a month of nobody's shares. Records alone count
    in a replay, whatever the wall says."""
    claim = await world.claim(clock=clock)
    checkpoint = await world.checkpoint(claim, share(1))
    month_ahead_ms = time.time_ns() // 1_000_000 + 30 * 86_400_000
    part = checkpoint.partitions[0]
    checkpoint.partitions[0] = replace(part, stream_ms=month_ahead_ms)
    await world.flush(checkpoint)
    ahead = rows(database_url, "select extract(epoch from stream_time - now())::int8 from stream")
    assert (ahead[0][0] > 86_400) == (clock == "records")


@pytest.mark.parametrize(("ahead_s", "told"), [(120, "120 s ahead of"), (-3_600, "3600 s behind")])
async def test_host_whose_clock_is_wrong_takes_nothing_in(
    world: World, ahead_s: int, told: str
) -> None:
    now_ms = time.time_ns() // 1_000_000
    async with world.connections.connection() as connection:
        await offsets.check_clock(connection, now_ms=now_ms, tolerance_s=60.0)
        with pytest.raises(FatalError, match=told):
            await offsets.check_clock(connection, now_ms=now_ms + ahead_s * 1_000, tolerance_s=60.0)
