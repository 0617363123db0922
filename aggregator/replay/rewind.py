"""Beginning to count a topic anew from an instant on: the one transaction that rewinds it.

    log      0 ────────── start ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ until ──────▶ end
                            │  counted before: only  │ read for the
                            │  minutes since T count │ first time
    minutes  ─────────────────── T ═══ deleted, counted anew ═══▶

Intake reads on from `start` (see `replay`), the leader waits (see `figures/replays`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from aggregator.intake.checkpoint import LastRecord
from aggregator.intake.partitions.offsets import Stream
from aggregator.intake.timestamps import timestamp_of
from aggregator.postgres.connection import Connection
from ingest.errors import FatalError
from ingest.kafka.offsets_by_time import LogPlace
from schemas.runtime.named_sql import load

SQL: Final = load("aggregator.intake", "sql/rewind.sql")


@dataclass(frozen=True, slots=True)
class Limits:
    """The stream that is followed, the oldest minute that is whole for certain (None: all are), and
    the newest stream time of a partition."""

    cluster_id: str
    topic: str
    kept_from: datetime | None
    stream_time: datetime | None


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """A replay that is not over: from when on it counts, and how many messages are left."""

    replay_from: datetime
    messages_left: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """What `rewind` did."""

    messages: int
    minutes_deleted: int


async def limits(connection: Connection) -> Limits | None:
    """None before the first assignment of partitions."""
    async with connection.cursor(row_factory=class_row(Limits)) as cursor:
        await cursor.execute(SQL["limits"])
        return await cursor.fetchone()


async def counted_between(connection: Connection, since: datetime, until: datetime) -> bool:
    """Whether there are minutes that a replay from `since` on would delete, before `until`."""
    scope = {"since": since, "until": until}
    row = await (await connection.execute(SQL["counted_between"], scope)).fetchone()
    return bool(row and row[0])


async def progress(connection: Connection) -> ReplayProgress | None:
    """None if nothing is counted anew and the leader has taken up what was."""
    async with connection.cursor(row_factory=class_row(ReplayProgress)) as cursor:
        await cursor.execute(SQL["progress"])
        return await cursor.fetchone()


async def rewind(
    connection: Connection, stream: Stream, places: Mapping[int, LogPlace], *, since: datetime
) -> Rewound:
    """Delete the minutes from `since` (a whole minute) on and have them counted anew.

    `places` are those of the topic now. Whoever takes shares in or leads is fenced. Raises
    FatalError, with nothing changed, where a partition is not among them, or where a replay under
    way began before `since`: its minutes are not whole.
    """
    scope: dict[str, Any] = {
        "cluster_id": stream.cluster_id,
        "topic": stream.topic,
        "since": since,
    }
    async with connection.transaction():
        await connection.execute(SQL["depose_leader"])
        await connection.execute(SQL["stop_claims"])
        await _check(connection, scope, places, since)
        cursor = await connection.execute(SQL["rewind"], scope | _columns(places))
        messages = sum(row[1] or 0 for row in await cursor.fetchall())
        await connection.execute(SQL["forget_replayed_sequences"], scope)
        await connection.execute(SQL["unpack"])
        deleted = (await connection.execute(SQL["delete_minutes"], scope)).rowcount
        await connection.execute(SQL["hold_retention"], scope)
        await connection.execute(SQL["mark"], scope)
    return Rewound(messages, deleted)


async def _check(
    connection: Connection,
    scope: Mapping[str, Any],
    places: Mapping[int, LogPlace],
    since: datetime,
) -> None:
    for (live_from,) in await (await connection.execute(SQL["imported_before"])).fetchall():
        if since < live_from:
            raise FatalError(
                f"minutes before {live_from:%Y-%m-%dT%H:%M} were imported, and no topic could give "
                "them back: begin there or later"
            )
    known = await (await connection.execute(SQL["known"], scope)).fetchall()
    missing = sorted({row[0] for row in known} - places.keys())
    if missing:
        raise FatalError(f"partitions {missing} are not in the topic: it was recreated, or is new")
    for (begun_from,) in await (await connection.execute(SQL["under_way"])).fetchall():
        if begun_from < since:
            raise FatalError(
                f"a replay from {begun_from:%Y-%m-%dT%H:%M} on is not over: "
                "begin there or earlier, or wait for its end"
            )


def _columns(places: Mapping[int, LogPlace]) -> dict[str, list[Any]]:
    lasts = [
        None if place.before is None else LastRecord.of(place.before) for place in places.values()
    ]
    return {
        "partitions": list(places),
        "starts": [place.start for place in places.values()],
        "last_offsets": [last and last.offset for last in lasts],
        "last_timestamps": [last and timestamp_of(last.timestamp_ms) for last in lasts],
        "last_crcs": [last and last.crc for last in lasts],
    }
