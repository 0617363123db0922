"""Events of the outbox: history of a miner, and what came after a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.store.entities import Entity
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/events.sql")


@dataclass(frozen=True, slots=True)
class TransitionQuery:
    """`[start, end)`; empty `worker_uids`: all of the miner's workers."""

    start: datetime
    end: datetime
    worker_uids: Sequence[UUID]
    limit: int
    offset: int


async def transitions(
    database: Database, miner_id: int, query: TransitionQuery
) -> tuple[Sequence[Row], int]:
    """The page, newest first, and the count of all that match."""
    rows = await database.fetch(
        SQL["transitions_page"],
        miner_id,
        query.start,
        query.end,
        list(query.worker_uids),
        query.limit,
        query.offset,
    )
    return [row for row in rows if row["event_id"] is not None], rows[0]["total_count"]


async def newest_sequence(database: Database) -> int:
    newest: int = await database.fetch_value(SQL["newest_sequence"])
    return newest


async def after(database: Database, sequence: int, *, limit: int) -> Sequence[Row]:
    return await database.fetch(SQL["events_after"], sequence, limit)


async def of_entity(
    database: Database, entity: Entity, *, after: int, up_to: int, limit: int
) -> Sequence[Row]:
    """What a reader of a miner or a pool missed: `(after, up_to]`."""
    sql = SQL[f"{entity.kind}_events_after"]
    return await database.fetch(sql, entity.id, after, up_to, limit)
