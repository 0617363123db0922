"""Offsets in the database: claimed, verified, moved under a fence, shown and reset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row, dict_row

from aggregator.intake.checkpoint import LastRecord, PartitionShare
from aggregator.intake.partitions.stream_time import StreamClock
from aggregator.intake.timestamps import epoch_ms, timestamp_of
from aggregator.postgres.connection import Connection
from ingest.errors import FatalError
from ingest.kafka.consumer import RESET
from ingest.kafka.record import Record
from schemas.runtime.named_sql import load

SQL: Final = load("aggregator.intake", "sql/offsets.sql")


class Fenced(FatalError):  # noqa: N818 (a state)
    """Another process owns a partition now: this one must not write any more, and stops."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Whose offsets: those of one topic of one cluster."""

    cluster_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class ReplaySpan:
    """What is counted anew of a partition: offsets [start, until) were counted before, and of their
    shares those from `from_ms` on count again."""

    start: int
    until: int
    from_ms: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What is stored of a partition, and the epoch under which this process now holds it."""

    partition: int
    owner_epoch: int
    next_offset: int
    last_offset: int | None
    last_timestamp: datetime | None
    last_crc: int | None
    stream_time: datetime | None
    replay_start: int | None = None
    replay_until: int | None = None
    replay_from: datetime | None = None

    @property
    def replay(self) -> ReplaySpan | None:
        if self.replay_start is None or self.replay_until is None or self.replay_from is None:
            return None
        return ReplaySpan(self.replay_start, self.replay_until, epoch_ms(self.replay_from))

    @property
    def last(self) -> LastRecord | None:
        """The record that must lie at `next_offset - 1` or before; None if none was consumed."""
        if self.last_offset is None or self.last_timestamp is None or self.last_crc is None:
            return None
        return LastRecord(self.last_offset, epoch_ms(self.last_timestamp), self.last_crc)

    def start(self, beginning: int, end: int) -> int:
        """The offset to read from: the last record consumed, to be verified, or the next one.

        Raises FatalError if the stored offset lies outside of the log [beginning, end).
        """
        if not beginning <= self.next_offset <= end:
            message = (
                f"partition {self.partition} stands at offset {self.next_offset}, but its log "
                f"reaches from {beginning} to {end}: it was truncated or recreated; {RESET}"
            )
            raise FatalError(message)
        last = self.last
        return self.next_offset if last is None else max(last.offset, beginning)


def verify(partition: int, expected: LastRecord, record: Record) -> None:
    """Raises FatalError if `record`, found first, is not the one that was consumed last."""
    found = LastRecord.of(record)
    if found != expected:
        message = (
            f"partition {partition} holds another record at offset {expected.offset} than the one "
            f"consumed there ({found} instead of {expected}): the log was recreated; {RESET}"
        )
        raise FatalError(message)


async def claim(
    connection: Connection,
    stream: Stream,
    *,
    beginnings: Mapping[int, int],
    owner: str,
    clock: StreamClock,
) -> list[Claim]:
    """Claim the partitions of `beginnings` (partition → first offset of its log).

    Inside the caller's transaction."""
    scope = {"cluster_id": stream.cluster_id, "topic": stream.topic, "clock": clock}
    async with connection.cursor(row_factory=class_row(Claim)) as cursor:
        await cursor.execute(SQL["follow_stream"], scope)
        await cursor.execute(
            SQL["claim"],
            {
                **scope,
                "owner": owner,
                "partitions": list(beginnings),
                "beginnings": list(beginnings.values()),
            },
        )
        return await cursor.fetchall()


async def check_clock(connection: Connection, *, now_ms: int, tolerance_s: float) -> None:
    """Raises FatalError if this host's clock and the database's are further apart: stream time,
    and with it what is too late, silent or old, goes by the host's."""
    cursor = await connection.execute(SQL["clock_ahead"], {"now_ms": now_ms})
    row = await cursor.fetchone()
    ahead_s = float(row[0]) if row else 0.0
    if abs(ahead_s) > tolerance_s:
        where = "ahead of" if ahead_s > 0 else "behind"
        message = (
            f"the clock of this host is {abs(ahead_s):.0f} s {where} the database's: "
            "set it right (NTP) and start again"
        )
        raise FatalError(message)


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a flush wrote: stream time by partition as it is stored, and by how many seconds the
    clock of this host is ahead of the database's."""

    stream_ms: Mapping[int, int | None]
    clock_ahead_s: float


async def advance(
    connection: Connection,
    stream: Stream,
    parts: Sequence[PartitionShare],
    *,
    now_ms: int,
    tolerance_s: float,
) -> Advanced | None:
    """Move the offsets inside the caller's transaction; None if they were moved before.

    That is so if the connection broke while an earlier attempt was committing. Raises Fenced if
    another process owns a partition now.
    """
    lasts = [None if part.last is None else LastRecord.of(part.last) for part in parts]
    cursor = await connection.execute(
        SQL["advance"],
        {
            "cluster_id": stream.cluster_id,
            "topic": stream.topic,
            "now_ms": now_ms,
            "tolerance_s": tolerance_s,
            "partitions": [part.partition for part in parts],
            "epochs": [part.epoch for part in parts],
            "from_offsets": [part.from_offset for part in parts],
            "next_offsets": [part.next_offset for part in parts],
            "last_offsets": [last and last.offset for last in lasts],
            "last_timestamps": [last and timestamp_of(last.timestamp_ms) for last in lasts],
            "last_crcs": [last and last.crc for last in lasts],
            "stream_times": [_timestamp(part.stream_ms) for part in parts],
            "history_at": [_timestamp(part.history_ms) for part in parts],
            "caught_up": [part.caught_up for part in parts],
            "replays": [part.replays for part in parts],
            "outage_from": [part.outage and timestamp_of(part.outage.stood_ms) for part in parts],
            "resumed_at": [part.outage and timestamp_of(part.outage.resumed_ms) for part in parts],
        },
    )
    moved = await cursor.fetchall()
    if len(moved) == len(parts):
        stored = {row[0]: None if row[1] is None else epoch_ms(row[1]) for row in moved}
        return Advanced(stored, max((row[2] for row in moved), default=0.0))
    await _check_owners(connection, stream, parts)
    return None


def _timestamp(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else timestamp_of(at_ms)


async def _check_owners(
    connection: Connection, stream: Stream, parts: Sequence[PartitionShare]
) -> None:
    """Return if every partition has this flush already; else raise Fenced."""
    cursor = await connection.execute(
        SQL["owners"],
        {
            "cluster_id": stream.cluster_id,
            "topic": stream.topic,
            "partitions": [part.partition for part in parts],
        },
    )
    owners = {row[0]: row[1:] for row in await cursor.fetchall()}
    for part in parts:
        epoch, next_offset, owner = owners.get(part.partition, (None, None, None))
        if (epoch, next_offset) != (part.epoch, part.next_offset):
            by = repr(owner) if owner else "a command (`hashgauge rebuild`, `offsets reset`)"
            message = (
                f"partition {part.partition} of {stream.topic} was taken over by {by} "
                f"(epoch {epoch} instead of {part.epoch}, offset {next_offset} instead of "
                f"{part.from_offset}): this process stops, nothing is lost or counted twice"
            )
            raise Fenced(message)


@dataclass(frozen=True, slots=True)
class StoredOffset:
    """A row of `hashgauge offsets show`."""

    cluster_id: str
    topic: str
    partition: int
    next_offset: int
    last_offset: int | None
    last_timestamp: datetime | None
    stream_time: datetime | None
    caught_up: bool
    owner: str | None
    owner_epoch: int
    flushed_at: datetime
    current: bool
    replay_until: int | None
    replay_from: datetime | None


async def show(connection: Connection) -> list[StoredOffset]:
    """Every stored offset, ordered by cluster, topic and partition."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL["show"])
        return [StoredOffset(**row) for row in await cursor.fetchall()]


async def reset(
    connection: Connection, stream: Stream, next_offsets: Mapping[int, int]
) -> list[int]:
    """Accept a changed log: continue each partition at the given offset, without verifying.

    Fences their owners. Returns the partitions that were known. Shares of the old log that were not
    consumed are lost, which is why only a person may do this.
    """
    async with connection.transaction():
        cursor = await connection.execute(
            SQL["reset"],
            {
                "cluster_id": stream.cluster_id,
                "topic": stream.topic,
                "partitions": list(next_offsets),
                "next_offsets": list(next_offsets.values()),
            },
        )
        return [row[0] for row in await cursor.fetchall()]


async def forget(connection: Connection, stream: Stream, partitions: Collection[int]) -> None:
    """Forget partitions: as if never seen, with their producers. For a broker that starts empty
    under the same cluster id, and for partitions that a topic made anew no longer has."""
    scope = {
        "cluster_id": stream.cluster_id,
        "topic": stream.topic,
        "partitions": list(partitions),
    }
    async with connection.transaction():
        await connection.execute(SQL["forget_partitions"], scope)
        await connection.execute(SQL["forget_sequences"], scope)
