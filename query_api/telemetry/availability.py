"""Share of a day that a worker was stable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from query_api.database import Database, Row
from query_api.http.timestamps import BEGINNING
from query_api.telemetry.reports import DEFAULT_DAYS, Availability, Days, day_start
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/availability.sql")


def availability_from(database: Database, *, as_of: datetime) -> Availability:
    """Looks a day up; a day that is not over counts up to `as_of`. Workers without transitions are
    left out."""

    async def availability(worker_ids: list[int], day: date) -> Mapping[int, float]:
        start = day_start(day)
        if start > as_of:
            return {}
        end = start + timedelta(days=1)
        rows = await database.fetch(SQL["availability"], worker_ids, start, end, as_of)
        return {row["worker_id"]: _share(row) for row in rows}

    return availability


async def availability_by_day(
    database: Database, worker_id: int, days: Days, *, as_of: datetime
) -> Mapping[date, float]:
    """Each day on which something is known of the worker; later ones than `as_of` are left out."""
    first = max(days.first, BEGINNING.date())
    last = min(days.last, as_of.astimezone(UTC).date())
    if last < first:
        return {}
    start, end = day_start(first), day_start(last) + timedelta(days=1)
    rows = await database.fetch(SQL["availability"], [worker_id], start, end, as_of)
    return {row["day"].astimezone(UTC).date(): _share(row) for row in rows}


async def uptime(database: Database, worker_id: int, *, as_of: datetime) -> float | None:
    """Share of the last seven UTC days, up to now, that a worker was stable; None if nothing is
    known of them."""
    today = day_start(as_of.astimezone(UTC).date())
    start, end = today - timedelta(days=DEFAULT_DAYS - 1), today + timedelta(days=1)
    rows = await database.fetch(SQL["availability"], [worker_id], start, end, as_of)
    known_s = sum(row["known_s"] for row in rows)
    return round(sum(row["stable_s"] for row in rows) / known_s, 6) if known_s else None


def _share(row: Row) -> float:
    share: float = round(row["stable_s"] / row["known_s"], 6)
    return share
