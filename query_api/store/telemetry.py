"""Stats, charts and rejects of workers, miners, operators and pools."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.series import Span
from schemas.named_sql import load
from schemas.rollups import ENTITIES, WORKERS

SQL: Final = load("query_api", "sql/telemetry.sql")


class Subject(StrEnum):
    """What has figures."""

    WORKER = "worker"
    MINER = "miner"
    OPERATOR = "operator"
    POOL = "pool"
    DONOR = "donor"
    """A miner, as the giver of boundary workers."""


OF_WORKERS: Final = frozenset({Subject.WORKER, Subject.DONOR})
"""Whose buckets are those of workers."""


@cache
def _over(statement: str, subject: Subject, level: str) -> str:
    family = WORKERS if subject in OF_WORKERS else ENTITIES
    return SQL[f"{subject}_{statement}"].replace("{relation}", family.relation(level))


async def stats(database: Database, subject: Subject, uids: Sequence[UUID]) -> Sequence[Row]:
    """A row with scope, beat and windows for each id that exists."""
    return await database.fetch(SQL[f"{subject}_stats"], uids)


async def chart(
    database: Database, subject: Subject, uids: Sequence[UUID], *, span: Span
) -> Sequence[Row]:
    """A row with scope and arrays `at`, `accepted`, `rejected` for each id that exists."""
    sql = _over("chart", subject, span.level)
    return await database.fetch(sql, uids, span.start, span.end)


async def rejects(
    database: Database, subject: Subject, uids: Sequence[UUID], *, span: Span
) -> Sequence[Row]:
    """A row with scope and a difficulty sum by reason for each id that exists."""
    sql = _over("rejects", subject, span.level)
    return await database.fetch(sql, uids, span.start, span.end)
