"""A flush: offsets and minutes, all of it once or none of it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from aggregator.intake import flush as flush_module
from aggregator.intake.checkpoint import Checkpoint, PartitionShare
from aggregator.intake.partitions import offsets
from aggregator.intake.partitions.offsets import Fenced
from ingest.kafka.record import PlainRecord
from schemas.share import Share, ShareResult
from tests.integration.intake.flushing import NOON_S, Flushing, rows, share


async def test_what_is_not_there_is_null(bench: Flushing, database_url: str) -> None:
    claim = await bench.claim()
    shares = [
        share(1),
        share(2, difficulty=4.0, result=1),
        share(3, "b", result=2, difficulty=8.0),
        Share((NOON_S + 4) * 1_000, "alice", "c", 16.0, ShareResult.ACCEPTED, None),
    ]
    await bench.flush(await bench.checkpoint(claim, *shares))
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


async def test_repeating_a_committed_flush_changes_nothing(
    bench: Flushing, database_url: str
) -> None:
    checkpoint = await bench.checkpoint(await bench.claim(), share(1))
    assert not (await bench.flush(checkpoint)).repeated
    assert (await bench.flush(checkpoint)).repeated
    assert rows(database_url, "select sum(accepted_count)::int4 from flushed_minutes") == [(1,)]


async def test_who_lost_a_partition_writes_nothing_at_all(
    bench: Flushing, database_url: str
) -> None:
    claim = await bench.claim()
    checkpoint = await bench.checkpoint(claim, share(1))
    await bench.claim(owner="another")
    with pytest.raises(Fenced, match="taken over by 'another'"):
        await bench.flush(checkpoint)
    assert rows(database_url, "select count(*)::int4 from flushed_minutes") == [(0,)]


async def test_one_lost_partition_of_two_stops_the_whole_flush(
    bench: Flushing, database_url: str
) -> None:
    first, second = await bench.claim(0), await bench.claim(1)
    checkpoint = await bench.checkpoint(first, share(1))
    checkpoint.partitions[1] = PartitionShare(1, second.owner_epoch, 0, 5)
    await bench.claim(1, owner="another")
    with pytest.raises(Fenced):
        await bench.flush(checkpoint)
    assert rows(database_url, "select sum(next_offset)::int4 from intake_partitions") == [(0,)]


@pytest.mark.parametrize("stamp_ms", [-1, NOON_S * 1_000 + 123, NOON_S * 1_000_000])
async def test_last_record_is_known_again_whatever_its_stamp(
    bench: Flushing, stamp_ms: int
) -> None:
    """Producers have stamped microseconds before; no database names that year."""
    claim = await bench.claim()
    record = PlainRecord(b"x", timestamp=stamp_ms, offset=9)
    await bench.flush(Checkpoint({0: PartitionShare(0, claim.owner_epoch, 0, 10, last=record)}))
    again = await bench.claim()
    assert again.last is not None
    offsets.verify(0, again.last, record)


async def test_stale_offset_under_the_right_epoch_is_fenced(bench: Flushing) -> None:
    claim = await bench.claim()
    await bench.flush(await bench.checkpoint(claim, share(1)))
    with pytest.raises(Fenced):
        await bench.flush(await bench.checkpoint(claim, share(2), from_offset=3, to=12))


async def test_fractional_difficulties_keep_every_bit(bench: Flushing, database_url: str) -> None:
    claim = await bench.claim()
    await bench.flush(await bench.checkpoint(claim, share(1, difficulty=0.1 + 0.2)))
    assert rows(database_url, "select accepted from flushed_minutes") == [(0.1 + 0.2,)]


async def test_large_flush_reaches_the_table_whole(bench: Flushing, database_url: str) -> None:
    claim = await bench.claim()
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
    await bench.flush(await bench.checkpoint(claim, *shares))
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


async def test_a_flush_that_sends_its_rows_blocks_nobody(
    bench: Flushing, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may freeze in the middle of the COPY: a successor claims the partition at once."""
    claim = await bench.claim()
    checkpoint = await bench.checkpoint(claim, share(1))
    copying, go_on = asyncio.Event(), asyncio.Event()
    append = flush_module._append

    async def stop_before(*args: Any) -> None:
        await append(*args)
        copying.set()
        await go_on.wait()

    monkeypatch.setattr(flush_module, "_append", stop_before)
    flushing = asyncio.create_task(bench.flush(checkpoint))
    await copying.wait()
    async with asyncio.timeout(10):
        successor = await bench.claim()
    go_on.set()
    with pytest.raises(Fenced):
        await flushing
    assert successor.owner_epoch == claim.owner_epoch + 1
    assert rows(database_url, "select count(*) from flushed_minutes") == [(0,)]
