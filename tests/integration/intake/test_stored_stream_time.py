"""Stream time, outages and clocks, as a flush stores them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.figures.minutes.reader import read_position
from aggregator.intake.checkpoint import Checkpoint, PartitionShare
from aggregator.intake.partitions import offsets
from aggregator.intake.partitions.broker_outages import Outage
from aggregator.intake.partitions.offsets import Claim
from aggregator.intake.partitions.stream_time import StreamClock
from ingest.errors import FatalError
from tests.integration.intake.flushing import NOON_S, Flushing, rows, share


def noon(second: int) -> int:
    return (NOON_S + second) * 1_000


async def flush_outage(
    bench: Flushing, claim: Claim, number: int, stream_s: int, *outage: int
) -> int:
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
    await bench.flush(Checkpoint({claim.partition: part}))
    return number + 1


async def known_outage(bench: Flushing) -> list[tuple[int, int]]:
    """What the leader reads, in seconds after noon."""
    async with bench.connections.connection() as connection:
        position = await read_position(connection)
    return [(stood_s - NOON_S, again_s - NOON_S) for stood_s, again_s in position.outages]


async def test_newest_outage_is_kept_until_the_next(bench: Flushing) -> None:
    claim = await bench.claim()
    number = await flush_outage(bench, claim, 0, 100)
    assert await known_outage(bench) == []
    number = await flush_outage(bench, claim, number, 400, 100, 400)
    number = await flush_outage(bench, claim, number, 500)
    assert await known_outage(bench) == [(100, 400)]
    await flush_outage(bench, claim, number, 900, 500, 900)
    assert await known_outage(bench) == [(500, 900)]


async def test_outage_that_a_backlog_has_not_come_to_is_joined_with_the_next(
    bench: Flushing,
) -> None:
    claim = await bench.claim()
    number = await flush_outage(bench, claim, 0, 10, 100, 400)
    await flush_outage(bench, claim, number, 50, 600, 900)
    assert await known_outage(bench) == [(100, 900)]


async def test_partitions_that_were_out_at_once_are_one_outage(bench: Flushing) -> None:
    first, second, third = [await bench.claim(partition) for partition in range(3)]
    await flush_outage(bench, third, 0, 60, 20, 60)
    await flush_outage(bench, first, 0, 400, 100, 400)
    await flush_outage(bench, second, 0, 403, 98, 403)
    assert await known_outage(bench) == [(98, 403)]


async def test_stream_time_is_the_lowest_of_the_partitions(
    bench: Flushing, database_url: str
) -> None:
    assert rows(database_url, "select stream_time, caught_up from stream") == [(None, False)]
    claim = await bench.claim()
    assert rows(database_url, "select stream_time from stream") == [(None,)]
    await bench.flush(await bench.checkpoint(claim, share(1)))
    # A partition added later holds the service where it is until it is read.
    later = await bench.claim(1)
    assert later.stream_time is not None
    found = rows(database_url, "select extract(epoch from stream_time)::int8 from stream")
    assert found == [(NOON_S,)]


@pytest.mark.parametrize("clock", ["wall", "records"])
async def test_wild_clock_of_a_host_does_not_move_stream_time(
    bench: Flushing, database_url: str, clock: StreamClock
) -> None:
    """It never goes back, so a month ahead would be a month of nobody's shares. Records alone count
    in a replay, whatever the wall says."""
    claim = await bench.claim(clock=clock)
    await bench.flush(await bench.checkpoint(claim, share(1)))
    month_ahead_ms = (int(time.time()) + 30 * 86_400) * 1_000
    checkpoint = await bench.checkpoint(claim, from_offset=10, to=20)
    part = checkpoint.partitions[0]
    checkpoint.partitions[0] = replace(part, stream_ms=month_ahead_ms)
    flushed = await bench.flush(checkpoint)
    ((stored_s,),) = rows(database_url, "select extract(epoch from stream_time)::int8 from stream")
    assert stored_s == (month_ahead_ms // 1_000 if clock == "records" else NOON_S)
    assert flushed.stream_ms[0] // 1_000 == stored_s


async def test_stream_time_of_a_partition_of_which_nothing_was_consumed_is_unknown(
    bench: Flushing, database_url: str
) -> None:
    """Shares of days may lie ahead: nobody is silent, and no rollup may be skipped."""
    claim = await bench.claim()
    await bench.flush(Checkpoint({0: PartitionShare(0, claim.owner_epoch, 0, 0)}))
    assert rows(database_url, "select stream_time, status_time from stream") == [(None, None)]


async def test_a_replay_waits_for_partitions_that_were_not_read_yet(
    bench: Flushing, database_url: str
) -> None:
    """Read to its end and empty, one is left out; the first record then leads nowhere back."""
    first, second = await bench.claim(0, clock="records"), await bench.claim(1, clock="records")

    async def flush(claim: Claim, at_s: int | None, start: int, end: int) -> Any:
        part = PartitionShare(
            claim.partition,
            claim.owner_epoch,
            start,
            end,
            stream_ms=None if at_s is None else at_s * 1_000,
            caught_up=True,
        )
        await bench.flush(Checkpoint({claim.partition: part}))
        return rows(database_url, "select extract(epoch from stream_time)::int8 from stream")[0][0]

    assert await flush(first, NOON_S, 0, 1) is None
    assert await flush(second, None, 0, 0) == NOON_S
    assert await flush(second, NOON_S - 600, 0, 1) == NOON_S


async def test_statuses_wait_for_sources_that_send_their_history(
    bench: Flushing, database_url: str
) -> None:
    claim = await bench.claim()
    part = PartitionShare(
        0, claim.owner_epoch, 0, 1, stream_ms=NOON_S * 1_000, history_ms=(NOON_S - 3_600) * 1_000
    )
    await bench.flush(Checkpoint({0: part}))
    query = "select extract(epoch from stream_time - status_time)::int4 from stream"
    assert rows(database_url, query) == [(3_600,)]
    await bench.flush(Checkpoint({0: replace(part, from_offset=1, next_offset=2, history_ms=None)}))
    assert rows(database_url, query) == [(0,)]


@pytest.mark.parametrize(("ahead_s", "message"), [(120, "120 s ahead"), (-3_600, "3600 s behind")])
async def test_host_whose_clock_is_wrong_claims_nothing(
    bench: Flushing, ahead_s: int, message: str
) -> None:
    now_ms = time.time_ns() // 1_000_000
    async with bench.connections.connection() as connection:
        await offsets.check_clock(connection, now_ms=now_ms, tolerance_s=60.0)
        with pytest.raises(FatalError, match=message):
            await offsets.check_clock(connection, now_ms=now_ms + ahead_s * 1_000, tolerance_s=60.0)


PARTITIONS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 1_000)),  # its stream time
        st.booleans(),  # whether its end was seen
        st.one_of(st.none(), st.integers(0, 1_200)),  # how far a history has come
        st.booleans(),  # caught up
    ),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PARTITIONS, st.sampled_from(["wall", "records"]))
def test_the_rule_for_statuses_is_that_of_each_partition_by_itself(
    database_url: str, partitions: list[tuple[int | None, bool, int | None, bool]], clock: str
) -> None:
    """What the leader asks once a cycle: up to when, and whether to wait."""
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from intake_stream")
        connection.execute("delete from intake_partitions")
        connection.execute(
            "insert into intake_stream (cluster_id, topic, clock) values ('c', 't', %s)", (clock,)
        )
        for number, (at_s, seen_end, history_s, caught_up) in enumerate(partitions):
            connection.execute(
                "insert into intake_partitions (cluster_id, topic, partition, next_offset,"
                " stream_time, seen_end, history_at, caught_up)"
                " values ('c', 't', %s, 0, to_timestamp(%s::int8), %s, to_timestamp(%s::int8), %s)",
                (number, at_s, seen_end, history_s, caught_up),
            )
        found = connection.execute(
            "select extract(epoch from stream_time)::int8,"
            " stream_time is not null and coalesce(status_time < stream_time, false), caught_up"
            " from stream"
        ).fetchone()
        connection.rollback()
    unread = [at_s is None and (clock == "wall" or not seen) for at_s, seen, _, _ in partitions]
    known = [at_s for at_s, *_ in partitions if at_s is not None]
    stream_s = None if any(unread) else min(known, default=None)
    histories = [history_s for _, _, history_s, _ in partitions if history_s is not None]
    waits = stream_s is not None and any(history_s < stream_s for history_s in histories)
    assert found == (stream_s, waits, all(caught_up for *_, caught_up in partitions))
