"""Pools, operators and miners: where they hang in the tree, and how many workers they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from query_api.auth.caller import Scope, scope_of
from query_api.database import Database, Row
from query_api.telemetry.version import FiguresVersion, version_of
from schemas.access import EntityKind
from schemas.runtime.named_sql import load
from schemas.worker import STATUS_CODES

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
    """Workers in each status, with the version they are of."""

    counts: dict[str, int]
    version: FiguresVersion | None


async def status_counts(database: Database, entity: Entity) -> StatusCounts:
    rows = await database.fetch(SQL["status_counts"], entity.id)
    counts = {status.value: 0 for status in reversed(STATUS_CODES)}
    for row in rows:
        if row["status"] is not None:
            counts[row["status"]] += row["workers"]
    return StatusCounts(counts, version_of(rows[0]))


async def public_pool_stats(database: Database, domain: str | None) -> Row | None:
    return await database.fetch_row(SQL["public_pool_stats"], domain)
