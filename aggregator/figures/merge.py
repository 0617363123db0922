"""Flushed rows become worker minutes: added up, one row for each worker and minute.

    intake   ──append──▶ flushed_minutes     no key; committed with the offsets
    leader   ──merge───▶ worker_minutes      one row a worker and minute; what changed is listed

A worker's minute comes in about as many flushes as it has shares. Adding each of them to its row
would cost an upsert apiece; appending costs a fifth of that, and one merge upserts for all of them.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from aggregator.figures.lease import Lease
from aggregator.figures.minutes_reader import minute_instant
from schemas.metrics import counter
from schemas.named_sql import load

_SQL: Final = load("aggregator.figures", "sql/merge.sql")

# Merged in one transaction: about 2,500,000 rows, six seconds.
BLOCKS_PER_CHUNK: Final = 32_768


async def merge_flushed(
    connection: AsyncConnection[Any],
    lease: Lease,
    *,
    late_before: int,
    before: int | None = None,
    blocks_per_chunk: int = BLOCKS_PER_CHUNK,
) -> int:
    """Move what is committed now into worker minutes; answer how many of these it made or changed.

    Only minutes before minute `before` (None: all) are moved; those before `late_before` are listed
    with their workers, where these are few. LeaseLostError where another one leads. Can be broken
    off anywhere: each chunk of blocks is a transaction that moves its rows or leaves them.
    """
    merged = 0
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["blocks"])
        blocks = await cursor.fetchone() or 0
        for start in range(0, blocks, blocks_per_chunk):
            chunk = {
                "from": start,
                "to": start + blocks_per_chunk,
                "before": None if before is None else minute_instant(before),
                "late_before": minute_instant(late_before),
            }
            async with connection.transaction():
                await lease.fence(connection)
                await cursor.execute(_SQL["unbound"])
                await cursor.execute(_SQL["merge"], chunk)
                merged += await cursor.fetchone() or 0
                # Its row is locked all the while, for renewals too: after an hour without a leader
                # the chunks would outlast the lease.
                await lease.renew(connection)
    counter("merged_rows_total").inc(merged)
    return merged
