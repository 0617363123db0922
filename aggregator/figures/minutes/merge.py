"""Flushed rows become worker minutes: added up, one row for each worker and minute.

    intake   ──append──▶ flushed_minutes     no key; committed with the offsets
    leader   ──merge───▶ worker_minutes      one row a worker and minute; what changed is dirty

A worker's minute comes in about as many flushes as it has shares. Adding each of them to its row
would cost an upsert apiece; appending costs a fifth of that, and one merge writes for all of them.

    read      flushed rows, packed, without a lock; the snapshot that saw them
    fold      numpy, in a thread
    stage     COPY into a temporary table; no lock is held while this process sends
    move      one transaction under the lease: exactly the rows of the snapshot are deleted, what
              was staged is inserted (upserts only for minutes that have rows), dirty minutes
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg import AsyncConnection, Rollback
from psycopg.rows import scalar_row, tuple_row

from aggregator.figures.minutes.flushed import PACKED, FoldedMinutes, fold
from aggregator.figures.minutes.reader import minute_timestamp
from aggregator.postgres.binary_copy import POSTGRES_EPOCH_S, send_copy
from aggregator.postgres.int4_array import Int4Array
from aggregator.postgres.lease import Lease
from schemas.runtime.metrics import counter
from schemas.runtime.named_sql import load
from schemas.share import REJECT_REASONS
from schemas.windows import MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/merge.sql")
log: Final = structlog.get_logger(__name__)

# Merged in one transaction: 110 MB in memory, four seconds. A minute that is cut in two costs twice
# the time: the second part meets rows of the first.
ROWS_PER_CHUNK: Final = 2_000_000
# Read by one statement: about 330,000 rows, or none, where a vacuum is due.
BLOCKS_PER_READ: Final = 4_096
# A late minute with more workers than this is listed whole.
_MOST_NAMED: Final = 1_000
_TYPES: Final = (">i8", *[">i4"] * 6, *[">f8"] * 2, ">i8", *[">f8"] * len(REJECT_REASONS))


@dataclass(slots=True)
class Merged:
    """What a merge did: rows of worker minutes made or changed, and the minutes that it wrote
    whole, which nobody need read back."""

    rows: int = 0
    first_written: dict[int, FoldedMinutes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The flushed rows of some blocks as one snapshot saw them."""

    where: dict[str, Any]
    end: int
    """The first block that is not among them."""
    rows: int
    folded: FoldedMinutes


async def merge_flushed(
    connection: AsyncConnection[Any],
    lease: Lease,
    *,
    late_before: int,
    before: int | None = None,
    rows_per_chunk: int = ROWS_PER_CHUNK,
    blocks_per_read: int = BLOCKS_PER_READ,
) -> Merged:
    """Move what is committed now into worker minutes.

    Only minutes before minute `before` (None: all) are moved; those before `late_before` are listed
    with their workers, if these are few. LeaseLostError if another process leads. Can be broken off
    anywhere: each chunk is a transaction that moves its rows or leaves them.
    """
    merged = Merged()
    blocks = await _value(connection, "blocks", {}) or 0
    if blocks:
        await connection.execute(_SQL["create_stage"])
    start = 0
    while start < blocks:
        reads = range(start, blocks, blocks_per_read)
        chunk = await _read(connection, reads, before, rows_per_chunk)
        if chunk is None:
            break
        await _stage(connection, chunk.folded)
        if not await _move(connection, lease, chunk, late_before, merged):
            continue
        if chunk.end < blocks:
            log.info("merge_progress", blocks=chunk.end, of=blocks)
        start = chunk.end
    counter("merged_rows_total").inc(merged.rows)
    return merged


async def _read(
    connection: AsyncConnection[Any], reads: range, before: int | None, most_rows: int
) -> _Chunk | None:
    """Rows of the blocks from the first of `reads` on, up to `most_rows`; None: there is no row."""
    where: dict[str, Any] = {
        "before": None if before is None else minute_timestamp(before),
        "snapshot": None,
    }
    packed: list[bytes] = []
    packed_reasons: list[bytes] = []
    end = reads.start
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        for end in range(reads.start + reads.step, reads.stop + reads.step, reads.step):
            where |= {"from": end - reads.step, "to": end}
            await cursor.execute(_SQL["read"], where)
            snapshot, rows, reasons = await cursor.fetchone() or (None, None, None)
            where["snapshot"] = where["snapshot"] or snapshot
            packed += [rows] if rows else []
            packed_reasons += [reasons] if reasons else []
            if sum(map(len, packed)) >= most_rows * PACKED.itemsize:
                break
    if not packed:
        return None
    count = sum(map(len, packed)) // PACKED.itemsize
    folded = await asyncio.to_thread(fold, b"".join(packed), b"".join(packed_reasons))
    return _Chunk(where | {"from": reads.start, "to": end}, end, count, folded)


async def add_minutes(connection: AsyncConnection[Any], folded: FoldedMinutes) -> None:
    """Put them on top of what is there, in the caller's transaction, which fences the leader."""
    await connection.execute(_SQL["create_stage"])
    await _stage(connection, folded)
    await connection.execute(_SQL["unbound"])
    known = [minute_timestamp(minute) for minute in folded.by_minute()]
    await connection.execute(_SQL["add_to_known"], {"known": known})


async def _stage(connection: AsyncConnection[Any], folded: FoldedMinutes) -> None:
    await connection.execute(_SQL["empty_stage"])
    columns: dict[str, NDArray[Any]] = {
        "bucket": (folded.minute * MINUTE_S - POSTGRES_EPOCH_S) * 1_000_000,
        "worker_id": folded.worker_id,
        "miner_id": folded.miner_id,
        "operator_id": folded.operator_id,
        "source_id": folded.source_id,
        "accepted_count": folded.accepted_count,
        "rejected_count": folded.rejected_count,
        "accepted": folded.accepted,
        "rejected": folded.rejected,
        "last_share_at": folded.last_share_us,
        **dict(zip(REJECT_REASONS, folded.reasons, strict=True)),
    }
    nulls = {
        "operator_id": folded.operator_id == 0,
        "source_id": folded.source_id == 0,
        "last_share_at": ~folded.has_share,
    } | {name: np.isnan(work) for name, work in zip(REJECT_REASONS, folded.reasons, strict=True)}
    await send_copy(connection, _SQL["stage"], columns, _TYPES, nulls=nulls)


async def _move(
    connection: AsyncConnection[Any], lease: Lease, chunk: _Chunk, late_before: int, merged: Merged
) -> bool:
    """False, and nothing done, if rows of the chunk have gone since (a rewind): read it again."""
    minutes = chunk.folded.by_minute()
    moved = False
    async with connection.transaction() as transaction:
        await lease.fence(connection)
        cursor = await connection.execute(_SQL["delete_read"], chunk.where)
        if cursor.rowcount != chunk.rows:
            raise Rollback(transaction)
        known = await _written_before(connection, list(minutes))
        await connection.execute(_SQL["unbound"])
        parameters = {"known": [minute_timestamp(minute) for minute in known]}
        await connection.execute(_SQL["insert_first"], parameters)
        if known:
            await connection.execute(_SQL["add_to_known"], parameters)
        await _mark_dirty(connection, chunk.folded, minutes, late_before)
        # Its row is locked all the while, for renewals too: after an hour without a leader the
        # chunks would outlast the lease.
        await lease.renew(connection)
        moved = True
    if moved:
        merged.rows += len(chunk.folded)
        for minute, rows in minutes.items():
            merged.first_written.pop(minute, None)
            if minute not in known:
                merged.first_written[minute] = chunk.folded.part(rows)
    return moved


async def _written_before(connection: AsyncConnection[Any], minutes: list[int]) -> set[int]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        buckets = [minute_timestamp(minute) for minute in minutes]
        await cursor.execute(_SQL["written_before"], {"buckets": buckets})
        return {bucket_s // MINUTE_S for (bucket_s,) in await cursor.fetchall()}


async def _mark_dirty(
    connection: AsyncConnection[Any],
    folded: FoldedMinutes,
    minutes: dict[int, slice],
    late_before: int,
) -> None:
    """Late minutes with their workers, if these are few; the others whole."""
    named = {
        minute: rows
        for minute, rows in minutes.items()
        if minute < late_before and rows.stop - rows.start <= _MOST_NAMED
    }
    whole = [minute_timestamp(minute) for minute in minutes if minute not in named]
    if whole:
        await connection.execute(_SQL["mark_dirty"], {"buckets": whole})
    if named:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["mark_dirty_workers"],
                [
                    {"bucket": minute_timestamp(minute), "worker_ids": Int4Array(ids)}
                    for minute, rows in named.items()
                    for ids in (folded.worker_id[rows],)
                ],
            )


async def _value(connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]) -> Any:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchone()
