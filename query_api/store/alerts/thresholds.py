"""Thresholds of a miner. The notifier measures them; here they are set and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from schemas.messages.thresholds import Metric, ThresholdWindow
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/thresholds.sql")

THRESHOLDS_MAX: Final = 100
"""For each miner. Each is measured every minute, 0.1 ms; what is watched one worker at a time by
hand ends about here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a threshold can be changed."""

    bound: Decimal
    window: ThresholdWindow | None
    for_s: int
    muted_until: datetime | None = None


async def of_miner(database: Database, miner_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["thresholds"], miner_id, None)


async def find(database: Database, miner_id: int, uid: UUID) -> Row | None:
    return await database.fetch_row(SQL["thresholds"], miner_id, uid)


async def worker_id(database: Database, miner_id: int, uid: UUID) -> int | None:
    """The inner id of a worker of this miner."""
    found: int | None = await database.fetch_value(SQL["worker_of_miner"], miner_id, uid)
    return found


async def create(
    database: Database, miner_id: int, *, metric: Metric, worker_id: int | None, rule: Rule
) -> UUID:
    """ConflictError beyond the most."""
    uid: UUID | None = await database.fetch_value(
        SQL["create_threshold"], miner_id, worker_id, metric, rule.bound, rule.window, rule.for_s,
        THRESHOLDS_MAX,
    )  # fmt: skip
    if uid is None:
        raise ConflictError(f"a miner has at most {THRESHOLDS_MAX} thresholds")
    return uid


async def change(database: Database, miner_id: int, uid: UUID, rule: Rule) -> bool:
    found = await database.fetch_value(
        SQL["change_threshold"], miner_id, uid, rule.bound, rule.window, rule.for_s,
        rule.muted_until,
    )  # fmt: skip
    return found is not None


async def delete(database: Database, miner_id: int, uid: UUID) -> bool:
    return await database.fetch_value(SQL["delete_threshold"], miner_id, uid) is not None
