"""Daily reports: what each worker did on each UTC day, as frames, JSON or CSV.

One day is in memory at a time: a month of 20,000 workers takes the memory of 20,000 rows.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
import pandas as pd

from query_api.database import Database
from query_api.errors import InvalidInputError
from query_api.series import rfc3339
from schemas.named_sql import load
from schemas.units import format_hps
from schemas.windows import DAY_S

SQL: Final = load("query_api", "sql/reports.sql")
COLUMNS: Final = ("account_name", "worker_name", "hashrate", "rejectrate", "availability")
DEFAULT_DAYS: Final = 7

Availability = Callable[[list[int], date], Coroutine[Any, Any, Mapping[int, float]]]
"""(worker ids, day) → share of the day that each was stable."""


class Report(StrEnum):
    """Whose workers: a miner's own, or the boundary workers it gives."""

    MINER = "miner_day"
    DONOR = "donor_day"


@dataclass(frozen=True, slots=True)
class Days:
    """Both inclusive."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def days_of(first: date | None, last: date | None, *, complete_to_s: int, max_days: int) -> Days:
    """The days asked for; without any, the last seven complete ones. InvalidInputError for a span
    that is turned round or too long."""
    newest = datetime.fromtimestamp(complete_to_s, UTC).date() - timedelta(days=1)
    if last is None:
        last = newest if first is None else max(first, newest)
    if first is None:
        first = date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if first > last:
        raise InvalidInputError("query from: is after `to`")
    if (last - first).days >= max_days:
        raise InvalidInputError(f"query from: more than {max_days} days before `to`")
    return Days(first, last)


def day_start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def is_complete(day: date, complete_to_s: int) -> bool:
    return day_start(day).timestamp() + DAY_S <= complete_to_s


async def day_frame(
    database: Database, report: Report, owner_id: int, *, day: date, availability: Availability
) -> pd.DataFrame:
    """One row a worker, by name, with `COLUMNS`. The divisor is the whole day."""
    rows = await database.fetch(SQL[report.value], owner_id, day_start(day))
    ids = [row["worker_id"] for row in rows]
    shares = await availability(ids, day) if ids else {}
    return pd.DataFrame(
        {
            "account_name": [row["account_name"] for row in rows],
            "worker_name": [row["worker_name"] for row in rows],
            "hashrate": [format_hps(row["accepted"] or 0.0, DAY_S) for row in rows],
            "rejectrate": [format_hps(row["rejected"] or 0.0, DAY_S) for row in rows],
            "availability": pd.Series([shares.get(worker) for worker in ids], dtype="float64"),
        },
        columns=list(COLUMNS),
    )


async def frames(
    database: Database,
    report: Report,
    owner_id: int,
    *,
    days: Days,
    availability: Availability,
) -> AsyncGenerator[tuple[date, pd.DataFrame], None]:
    """Each day with its frame, ascending."""
    for day in days:
        frame = await day_frame(database, report, owner_id, day=day, availability=availability)
        yield day, frame


async def as_csv(parts: AsyncIterator[tuple[date, pd.DataFrame]]) -> AsyncIterator[bytes]:
    """A header, then a line for each day and worker."""
    yield (",".join(("date", *COLUMNS)) + "\r\n").encode()
    async for day, frame in parts:
        frame.insert(0, "date", day.isoformat())
        text: str = frame.to_csv(index=False, header=False, lineterminator="\r\n")
        yield text.encode()


async def as_json(
    parts: AsyncIterator[tuple[date, pd.DataFrame]], *, days: Days, complete_to_s: int
) -> AsyncIterator[bytes]:
    """The report of the contract, a day a chunk."""
    yield b'{"from":"%s","to":"%s","data":[' % (
        days.first.isoformat().encode(),
        days.last.isoformat().encode(),
    )
    separator = b""
    async for day, frame in parts:
        yield separator + orjson.dumps(_day_object(day, frame, complete_to_s))
        separator = b","
    yield b"]}"


def _day_object(day: date, frame: pd.DataFrame, complete_to_s: int) -> dict[str, Any]:
    start = day_start(day)
    return {
        "date": day.isoformat(),
        "from": rfc3339(start),
        "to": rfc3339(start + timedelta(seconds=DAY_S - 1)),
        "complete": is_complete(day, complete_to_s),
        # NaN, an availability that is not known, becomes null.
        "workers": frame.to_dict("records"),
    }
