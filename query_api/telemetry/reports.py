"""Daily reports: what each worker did on each UTC day, as JSON or CSV.

One day is in memory at a time, and formatted in pieces in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
import pandas as pd

from query_api.database import Database, Row
from query_api.http.errors import InvalidInputError
from query_api.http.timestamps import rfc3339
from schemas.names.csv_cell import csv_cell
from schemas.runtime.named_sql import load
from schemas.units import format_hps
from schemas.windows import DAY_S

SQL: Final = load("query_api", "sql/reports.sql")
JSON_FIELDS: Final = ("account_name", "worker_name", "hashrate", "rejectrate", "availability")
CSV_HEADER: Final = {
    "date": "date_utc",
    "account_name": "account_name",
    "worker_name": "worker_name",
    "hashrate": "hashrate_hps",
    "rejectrate": "rejectrate_hps",
    "reject_percent": "reject_percent",
    "availability": "availability",
}
"""Column → its name in a file, with the unit. Availability is a share, 0 to 1."""
BOM: Final = b"\xef\xbb\xbf"
"""Before a file for spreadsheets: without it Excel takes UTF-8 for the code page of its country.
Answers of the API have none, since programs would take it for a part of the first name."""
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


def days_of(first: date | None, last: date | None, *, watermark_s: int, max_days: int) -> Days:
    """The days asked for; without any, the last seven complete ones. InvalidInputError for a span
    that is turned round or too long."""
    newest = datetime.fromtimestamp(watermark_s, UTC).date() - timedelta(days=1)
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


def is_complete(day: date, watermark_s: int) -> bool:
    return day_start(day).timestamp() + DAY_S <= watermark_s


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a day's workers, by name. A day has at least one piece."""

    day: date
    frame: pd.DataFrame
    first: bool
    last: bool


async def pieces(
    database: Database,
    report: Report,
    owner_id: int,
    *,
    days: Days,
    as_of: datetime,
    availability: Availability,
    rows_at_once: int = 1_000,
) -> AsyncGenerator[Piece, None]:
    """The days ascending; one that has not begun `as_of` then has no workers yet.

    Frames are made in a thread: 20,000 rows take 0.3 s.
    """
    for day in days:
        rows: Sequence[Row] = ()
        if day_start(day) <= as_of:
            rows = await database.fetch(SQL[report.value], owner_id, day_start(day))
        shares = await availability([row["worker_id"] for row in rows], day) if rows else {}
        for start in range(0, max(1, len(rows)), rows_at_once):
            some = rows[start : start + rows_at_once]
            frame = await asyncio.to_thread(frame_of, some, shares)
            yield Piece(day, frame, start == 0, start + rows_at_once >= len(rows))


def frame_of(rows: Sequence[Row], shares: Mapping[int, float]) -> pd.DataFrame:
    """One row a worker. The divisor is the whole day."""
    return pd.DataFrame(
        {
            "account_name": [row["account_name"] for row in rows],
            "worker_name": [row["worker_name"] for row in rows],
            "hashrate": [format_hps(row["accepted"] or 0.0, DAY_S) for row in rows],
            "rejectrate": [format_hps(row["rejected"] or 0.0, DAY_S) for row in rows],
            "reject_percent": [_reject_percent(row) for row in rows],
            "availability": pd.Series(
                [shares.get(row["worker_id"]) for row in rows], dtype="float64"
            ),
        }
    )


def _reject_percent(row: Row) -> float:
    """Of the work that was handed in."""
    accepted, rejected = row["accepted"] or 0.0, row["rejected"] or 0.0
    return round(100 * rejected / (accepted + rejected), 4) if rejected else 0.0


async def as_csv(parts: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """A header, then a line for each day and worker."""
    yield (",".join(CSV_HEADER.values()) + "\r\n").encode()
    async for piece in parts:
        yield await asyncio.to_thread(_csv_lines, piece)


def _csv_lines(piece: Piece) -> bytes:
    frame = piece.frame
    for column in ("account_name", "worker_name"):
        frame[column] = [csv_cell(text) for text in frame[column]]
    frame.insert(0, "date", piece.day.isoformat())
    text: str = frame.to_csv(
        index=False, header=False, columns=list(CSV_HEADER), lineterminator="\r\n"
    )
    return text.encode()


async def as_json(
    parts: AsyncIterator[Piece], *, days: Days, watermark_s: int
) -> AsyncIterator[bytes]:
    """The report of the contract, piece by piece."""
    yield b'{"from":"%s","to":"%s","data":[' % (
        days.first.isoformat().encode(),
        days.last.isoformat().encode(),
    )
    between_days = b""
    async for piece in parts:
        workers = await asyncio.to_thread(_json_items, piece.frame)
        head = between_days + _day_head(piece.day, watermark_s) if piece.first else b""
        # Only the first piece of a day is ever empty.
        comma = b"" if piece.first else b","
        yield head + comma + workers + (b"]}" if piece.last else b"")
        between_days = b","
    yield b"]}"


def _json_items(frame: pd.DataFrame) -> bytes:
    # NaN, an availability that is not known, becomes null.
    return orjson.dumps(frame[list(JSON_FIELDS)].to_dict("records"))[1:-1]


def _day_head(day: date, watermark_s: int) -> bytes:
    """The object of a day, open at its list of workers."""
    start = day_start(day)
    head = {
        "date": day.isoformat(),
        "from": rfc3339(start),
        "to": rfc3339(start + timedelta(seconds=DAY_S - 1)),
        "complete": is_complete(day, watermark_s),
        "workers": [],
    }
    return orjson.dumps(head)[:-2]
