"""Worker minutes from the database straight into arrays: one packed value a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.slots import Worker
from aggregator.figures.status import OutageSpan
from aggregator.figures.touched import instant
from aggregator.minutes.copy import POSTGRES_EPOCH_S
from schemas.named_sql import load
from schemas.windows import MINUTE_S

_SQL: Final = load("aggregator.figures", "sql/minutes.sql")

# The fields in the order of sql/minutes.sql, as PostgreSQL's *send functions write them.
PACKED: Final = np.dtype(
    [
        ("worker_id", ">i4"),
        ("accepted_count", ">i4"),
        ("accepted", ">f8"),
        ("rejected", ">f8"),
        ("last_share_us", ">i8"),
        ("source_id", ">i4"),
    ]
)
PACKED_SUMS: Final = np.dtype([("worker_id", ">i4"), ("accepted", ">f8"), ("rejected", ">f8")])

_MINUTES_PER_QUERY: Final = 240
_PAIRS_PER_QUERY: Final = 50_000


@dataclass(frozen=True, slots=True)
class TouchedMinute:
    """A minute to read, and the rows of touched_minutes that say so."""

    minute: int
    ids: tuple[int, ...]
    worker_ids: tuple[int, ...] | None
    """None: all workers."""


@dataclass(frozen=True, slots=True)
class MinuteRows:
    """The rows of one minute; arrays of one length, in no order."""

    minute: int
    worker_id: NDArray[np.int32]
    accepted_count: NDArray[np.int64]
    accepted: NDArray[np.float64]
    rejected: NDArray[np.float64]
    last_share_s: NDArray[np.int64]
    source_id: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class WorkerSums:
    """Accepted and rejected difficulty by worker: int32[n] and float64[2, n]."""

    worker_id: NDArray[np.int32]
    sums: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """Stream time of the service (None before the first record) and how far the leader has come."""

    stream_s: float | None
    complete_to_s: int | None
    epoch: int
    stood_s: int | None = None
    resumed_s: int | None = None

    @property
    def outages(self) -> list[OutageSpan]:
        """The newest one that intake has seen, or none."""
        if self.stood_s is None or self.resumed_s is None:
            return []
        return [(self.stood_s, self.resumed_s)]


async def read_position(connection: AsyncConnection[Any]) -> StreamPosition:
    row = (await _rows(connection, "stream", {}))[0]
    return StreamPosition(*row)


async def read_touched(connection: AsyncConnection[Any], stream_s: float) -> list[TouchedMinute]:
    """What changed, by minute, ascending; a minute named whole and in part is whole."""
    rows = await _rows(connection, "touched", {"stream_s": stream_s})
    return [_touched(minute, list(same)) for minute, same in groupby(rows, key=itemgetter(1))]


def _touched(minute: int, rows: Sequence[tuple[int, int, list[int] | None]]) -> TouchedMinute:
    named = [worker_ids for _, _, worker_ids in rows if worker_ids is not None]
    some = tuple(sorted(set().union(*named))) if len(named) == len(rows) else None
    return TouchedMinute(minute, tuple(row_id for row_id, _, _ in rows), some)


async def oldest_unread(connection: AsyncConnection[Any]) -> int | None:
    minute: int | None = (await _rows(connection, "oldest_unread", {}))[0][0]
    return minute


async def read_minutes(
    connection: AsyncConnection[Any], touched: Sequence[TouchedMinute]
) -> list[MinuteRows]:
    """The rows of the touched minutes that are there, by minute, ascending."""
    found: list[MinuteRows] = []
    whole = [minute.minute for minute in touched if minute.worker_ids is None]
    for start in range(0, len(whole), _MINUTES_PER_QUERY):
        found += await read_whole_minutes(connection, whole[start : start + _MINUTES_PER_QUERY])
    for part in _pair_batches(touched):
        found += _unpacked(await _rows(connection, "some_workers", part))
    return sorted(found, key=lambda rows: rows.minute)


def _pair_batches(touched: Sequence[TouchedMinute]) -> Iterator[dict[str, Any]]:
    """The pairs of the minutes touched in part; all pairs of a minute are in one batch."""
    buckets: list[datetime] = []
    worker_ids: list[int] = []
    for minute in touched:
        named = minute.worker_ids or ()
        if buckets and len(buckets) + len(named) > _PAIRS_PER_QUERY:
            yield {"buckets": buckets, "worker_ids": worker_ids}
            buckets, worker_ids = [], []
        buckets += [minute_instant(minute.minute)] * len(named)
        worker_ids += named
    if buckets:
        yield {"buckets": buckets, "worker_ids": worker_ids}


async def read_whole_minutes(
    connection: AsyncConnection[Any], minutes: Iterable[int]
) -> list[MinuteRows]:
    buckets = [minute_instant(minute) for minute in minutes]
    return _unpacked(await _rows(connection, "whole_minutes", {"buckets": buckets}))


async def read_span(
    connection: AsyncConnection[Any],
    first: int,
    end: int,
    *,
    worker_ids: Sequence[int] | None = None,
) -> WorkerSums:
    """Sums over the minutes [first, end), of all workers or of some."""
    parameters: dict[str, Any] = {"from": minute_instant(first), "to": minute_instant(end)}
    name = "span"
    if worker_ids is not None:
        name, parameters["worker_ids"] = "span_of_workers", list(worker_ids)
    return unpacked_sums((await _rows(connection, name, parameters))[0][0])


async def read_workers(
    connection: AsyncConnection[Any], worker_ids: NDArray[np.int32]
) -> list[Worker]:
    rows = await _rows(connection, "workers", {"worker_ids": worker_ids.tolist()})
    return [Worker(*row) for row in rows]


def minute_instant(minute: int) -> datetime:
    return instant(minute * MINUTE_S)


def unpacked_sums(packed: bytes | None) -> WorkerSums:
    table = np.frombuffer(packed or b"", PACKED_SUMS)
    sums = np.stack((table["accepted"], table["rejected"])).astype(np.float64)
    return WorkerSums(table["worker_id"].astype(np.int32), sums)


def _unpacked(rows: list[tuple[Any, ...]]) -> list[MinuteRows]:
    unpacked = []
    for minute, packed in rows:
        table = np.frombuffer(packed, PACKED)
        unpacked.append(
            MinuteRows(
                minute,
                table["worker_id"].astype(np.int32),
                table["accepted_count"].astype(np.int64),
                table["accepted"].astype(np.float64),
                table["rejected"].astype(np.float64),
                table["last_share_us"] // 1_000_000 + POSTGRES_EPOCH_S,
                table["source_id"].astype(np.int32),
            )
        )
    return unpacked


async def _rows(
    connection: AsyncConnection[Any], name: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    # Binary, or the packed values would travel as hexadecimal text.
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        return await cursor.fetchall()
