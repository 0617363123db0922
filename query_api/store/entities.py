"""Pools, operators and miners: where they hang in the tree, and how many workers they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from query_api.auth.caller import Scope, scope_of
from query_api.beat import Beat, beat_of
from query_api.database import Database, Row
from schemas.access import EntityKind
from schemas.named_sql import load
from schemas.worker import STATUS_CODES, WorkerStatus

SQL: Final = load("query_api", "sql/entities.sql")


@dataclass(frozen=True, slots=True)
class Entity:
    """A pool, an operator or a miner. `id` is the inner one."""

    kind: EntityKind
    id: int
    uid: UUID
    scope: Scope


async def find(database: Database, kind: EntityKind, uid: UUID) -> Entity | None:
    row = await database.fetch_row(SQL[f"find_{kind}"], uid)
    return None if row is None else Entity(kind, row["id"], row["uid"], scope_of(row))


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """Workers in each status, with the beat they are of."""

    counts: dict[str, int]
    beat: Beat | None


async def status_counts(database: Database, entity: Entity) -> StatusCounts:
    async with database.connection() as connection:
        rows: Sequence[Row] = await connection.fetch(SQL["status_counts"], entity.id)
        leaving = await connection.fetch(SQL["pending_removals"], *_narrowed(entity))
    counts = {status.value: 0 for status in reversed(STATUS_CODES)}
    for row in rows:
        if row["status"] is not None:
            counts[row["status"]] += row["workers"]
    for row in leaving:
        moved = min(row["workers"], counts[row["status"]])
        counts[row["status"]] -= moved
        counts[WorkerStatus.REMOVED.value] += moved
    return StatusCounts(counts, beat_of(rows[0]))


def _narrowed(entity: Entity) -> tuple[int | None, int | None, int | None]:
    """(pool, operator, miner) with the entity's own id alone."""
    return (
        entity.id if entity.kind is EntityKind.POOL else None,
        entity.id if entity.kind is EntityKind.OPERATOR else None,
        entity.id if entity.kind is EntityKind.MINER else None,
    )


async def public_pool_stats(database: Database, domain: str | None) -> Row | None:
    return await database.fetch_row(SQL["public_pool_stats"], domain)
