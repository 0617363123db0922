"""Stats, charts and rejects of workers, miners, operators and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.series import Span
from schemas.named_sql import load
from schemas.rollups import ENTITIES, WORKERS, Family
from schemas.windows import MINUTES

SQL: Final = load("query_api", "sql/telemetry.sql")


class Subject(StrEnum):
    """What has figures."""

    WORKER = "worker"
    MINER = "miner"
    OPERATOR = "operator"
    POOL = "pool"
    DONOR = "donor"
    """A miner, as the giver of boundary workers."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Blocks of the SQL that name who is asked for and which rows are theirs; and whose rows."""

    asked: str
    theirs: str
    family: Family


_SOURCES: Final = {
    Subject.WORKER: _Source("workers", "of_worker", WORKERS),
    Subject.MINER: _Source("miners", "of_entity", ENTITIES),
    Subject.OPERATOR: _Source("operators", "of_entity", ENTITIES),
    Subject.POOL: _Source("pools", "of_entity", ENTITIES),
    Subject.DONOR: _Source("miners", "of_donor", WORKERS),
}


@cache
def _statement(name: str, subject: Subject, level: str) -> str:
    source = _SOURCES[subject]
    parts = {
        "{asked}": SQL[source.asked],
        "{theirs}": SQL[source.theirs],
        "{within}": SQL["within_minutes" if level == MINUTES else "within_rollup"],
        "{relation}": source.family.relation(level),
    }
    statement = SQL[name]
    for place, part in parts.items():
        # On lines of its own: a block may begin with a comment.
        statement = statement.replace(place, f"\n{part}\n")
    return statement


async def stats(database: Database, subject: Subject, uids: Sequence[UUID]) -> Sequence[Row]:
    """A row with scope, beat and windows for each id that exists."""
    return await database.fetch(_statement("stats", subject, "figures"), uids)


async def chart(
    database: Database, subject: Subject, uids: Sequence[UUID], *, span: Span
) -> Sequence[Row]:
    """A row with scope and `packed` buckets for each id that exists."""
    sql = _statement("chart", subject, span.level)
    return await database.fetch(sql, uids, span.start, span.end)


async def rejects(
    database: Database, subject: Subject, uids: Sequence[UUID], *, span: Span
) -> Sequence[Row]:
    """A row with scope and a difficulty sum by reason for each id that exists."""
    sql = _statement("rejects", subject, span.level)
    return await database.fetch(sql, uids, span.start, span.end)
