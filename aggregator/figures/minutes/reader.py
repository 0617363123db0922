"""Worker minutes from the database straight into arrays: one packed value a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.minutes.dirty import timestamp
from aggregator.figures.minutes.flushed import FoldedMinutes
from aggregator.figures.status.rule import OutageSpan
from aggregator.postgres.binary_copy import POSTGRES_EPOCH_S
from schemas.runtime.named_sql import load
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
_WORKERS_PER_QUERY: Final = 20_000


@dataclass(frozen=True, slots=True)
class DirtyMinute:
    """A minute to read, and the rows of dirty_minutes that say so."""

    minute: int
    ids: tuple[int, ...]
    worker_ids: tuple[int, ...] | None
    """None: all workers."""
    also: tuple[int, ...] = ()
    """Workers that are named beside the whole minute: their rows changed apart from it."""


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

    def without(self, gone: NDArray[np.int32]) -> MinuteRows:
        """But for the rows of workers that somebody has deleted by SQL."""
        if not len(gone):
            return self
        kept = ~np.isin(self.worker_id, gone)
        arrays = {spec.name: getattr(self, spec.name) for spec in fields(self)[1:]}
        return replace(self, **{name: column[kept] for name, column in arrays.items()})


@dataclass(frozen=True, slots=True)
class WorkerSums:
    """Accepted and rejected difficulty by worker: int32[n] and float64[2, n]."""

    worker_id: NDArray[np.int32]
    sums: NDArray[np.float64]

    def without(self, gone: NDArray[np.int32]) -> WorkerSums:
        """As of `MinuteRows`."""
        if not len(gone):
            return self
        kept = ~np.isin(self.worker_id, gone)
        return WorkerSums(self.worker_id[kept], self.sums[:, kept])


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """Stream time of the service (None before the first record) and how far the leader has come."""

    stream_s: float | None
    # Sources still send their history: of the time before stream time shares are to come.
    statuses_wait: bool
    watermark_s: int | None
    epoch: int
    newest_worker_id: int
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


async def read_dirty(connection: AsyncConnection[Any], stream_s: float) -> list[DirtyMinute]:
    """What changed, by minute, ascending; a minute named whole and in part is whole."""
    rows = await _rows(connection, "dirty", {"stream_s": stream_s})
    return [_dirty(minute, list(same)) for minute, same in groupby(rows, key=itemgetter(1))]


def _dirty(minute: int, rows: Sequence[tuple[int, int, list[int] | None]]) -> DirtyMinute:
    named = [worker_ids for _, _, worker_ids in rows if worker_ids is not None]
    some = tuple(sorted(set().union(*named)))
    ids = tuple(row_id for row_id, _, _ in rows)
    if len(named) == len(rows):
        return DirtyMinute(minute, ids, some)
    return DirtyMinute(minute, ids, None, some)


async def oldest_unread(connection: AsyncConnection[Any]) -> int | None:
    minute: int | None = (await _rows(connection, "oldest_unread", {}))[0][0]
    return minute


async def read_minutes(
    connection: AsyncConnection[Any],
    dirty: Sequence[DirtyMinute],
    *,
    first_written: Mapping[int, FoldedMinutes] | None = None,
) -> list[MinuteRows]:
    """The rows of the dirty minutes that are there, by minute, ascending.

    `first_written` are minutes that this process has just written and need not read back.
    """
    known = first_written or {}
    found = [
        _as_written(minute.minute, known[minute.minute])
        for minute in dirty
        if minute.worker_ids is None and not minute.also and minute.minute in known
    ]
    written = {rows.minute for rows in found}
    whole = [
        minute.minute
        for minute in dirty
        if minute.worker_ids is None and minute.minute not in written
    ]
    for start in range(0, len(whole), _MINUTES_PER_QUERY):
        found += await read_whole_minutes(connection, whole[start : start + _MINUTES_PER_QUERY])
    for part in _pair_batches(dirty):
        found += _unpacked(await _rows(connection, "some_workers", part))
    return sorted(found, key=lambda rows: rows.minute)


def _pair_batches(dirty: Sequence[DirtyMinute]) -> Iterator[dict[str, Any]]:
    """The pairs of the minutes dirty in part; all pairs of a minute are in one batch."""
    buckets: list[datetime] = []
    worker_ids: list[int] = []
    for minute in dirty:
        named = minute.worker_ids or ()
        if buckets and len(buckets) + len(named) > _PAIRS_PER_QUERY:
            yield {"buckets": buckets, "worker_ids": worker_ids}
            buckets, worker_ids = [], []
        buckets += [minute_timestamp(minute.minute)] * len(named)
        worker_ids += named
    if buckets:
        yield {"buckets": buckets, "worker_ids": worker_ids}


async def read_whole_minutes(
    connection: AsyncConnection[Any], minutes: Iterable[int]
) -> list[MinuteRows]:
    buckets = [minute_timestamp(minute) for minute in minutes]
    return _unpacked(await _rows(connection, "whole_minutes", {"buckets": buckets}))


async def read_span(
    connection: AsyncConnection[Any],
    first: int,
    end: int,
    *,
    worker_ids: Sequence[int] | None = None,
) -> WorkerSums:
    """Sums over the minutes [first, end), of all workers or of some."""
    parameters: dict[str, Any] = {"from": minute_timestamp(first), "to": minute_timestamp(end)}
    name = "span"
    if worker_ids is not None:
        name, parameters["worker_ids"] = "span_of_workers", list(worker_ids)
    return unpacked_sums((await _rows(connection, name, parameters))[0][0])


def minute_timestamp(minute: int) -> datetime:
    return timestamp(minute * MINUTE_S)


def unpacked_sums(packed: bytes | None) -> WorkerSums:
    table = np.frombuffer(packed or b"", PACKED_SUMS)
    sums = np.stack((table["accepted"], table["rejected"])).astype(np.float64)
    return WorkerSums(table["worker_id"].astype(np.int32), sums)


def _as_written(minute: int, rows: FoldedMinutes) -> MinuteRows:
    return MinuteRows(
        minute,
        rows.worker_id,
        rows.accepted_count,
        rows.accepted,
        rows.rejected,
        rows.last_share_us // 1_000_000 + POSTGRES_EPOCH_S,
        rows.source_id,
    )


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
