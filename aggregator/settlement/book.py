"""Books a frozen day: miners in chunks, each one transaction.

    1 chunk: split, rows, payments, transfers, events, carries, progress  ─ commit
    2 ... the next chunk, until no miner is left
    3 payments of pools and operators, the day is closed                  ─ commit

Whoever is killed in between leaves whole chunks; the next one goes on after the last. Two who
settle take turns, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

import orjson
import structlog
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.ledger.transfers import AccountKind, copy_in
from aggregator.settlement.lines import Accounts, DayLines
from aggregator.settlement.split import Key, Line, split
from aggregator.settlement.terms import Terms
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/book.sql")
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]


class NoRateError(Exception):
    """The day has no rate yet."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    terms: Mapping[int, Terms]
    work: Mapping[int, Mapping[int, int]]
    carries: Mapping[int, dict[Key, int]]

    @property
    def last(self) -> int:
        return max(self.terms)


class Booking:
    """Books one day, step by step. Not thread-safe: one task owns it."""

    def __init__(self, connection: Connection, day: date, *, chunk: int, now: datetime) -> None:
        self._connection = connection
        self._day = day
        self._chunk = chunk
        self._now = now
        self._accounts: Accounts | None = None
        self._rate = Fraction(0)

    async def step(self) -> bool:
        """The next chunk, or the end of the day; whether anything is left. The caller's
        transaction. NoRateError."""
        row = await self._one("day")
        if row is None or row[0] == "booked":
            return False
        await self._prepare()
        chunk = await self._load(after=row[1])
        if chunk is None:
            await self._close()
            return False
        await self._write(chunk)
        return True

    async def _prepare(self) -> None:
        if self._accounts is not None:
            return
        self._rate = await rate_of(self._connection, self._day)
        self._accounts = await accounts_of(self._connection)

    async def _load(self, after: int) -> _Chunk | None:
        rows = await self._all("terms", after=after, limit=self._chunk)
        if not rows:
            return None
        terms = {miner: Terms.from_json(found) for miner, found in rows}
        first, last = min(terms), max(terms)
        work: dict[int, dict[int, int]] = {miner: {} for miner in terms}
        for miner, operator, hashes in await self._all("work", version=1, first=first, last=last):
            work[miner][operator] = int(hashes)
        return _Chunk(terms, work, await carries_of(self._connection, first, last))

    async def _write(self, chunk: _Chunk) -> None:
        assert self._accounts is not None
        lines = DayLines(self._day, self._rate, self._accounts, now=self._now)
        carries: dict[int, dict[Key, int]] = {}
        for miner, terms in chunk.terms.items():
            carried = carries[miner] = chunk.carries.get(miner, {})
            found = split(chunk.work[miner], terms, self._rate, carries=carried)
            lines.add(miner, terms, found)
        await write_lines(self._connection, lines)
        await keep_carries(self._connection, carries)
        await self._connection.execute(
            _SQL["progress"],
            {"day": self._day, "last": chunk.last, "gross_sat": lines.gross_sat},
        )

    async def _close(self) -> None:
        assert self._accounts is not None
        lines = DayLines(self._day, self._rate, self._accounts, now=self._now)
        for owner, amount_sat, work in await self._all("commissions"):
            lines.add_commissions(owner, amount_sat, int(work))
        await write_lines(self._connection, lines)
        await self._connection.execute(_SQL["close"], {"day": self._day, "now": self._now})
        log.info("day_booked", day=self._day.isoformat())

    async def _all(self, name: str, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        return await rows_of(self._connection, _SQL[name], {"day": self._day, **parameters})

    async def _one(self, name: str) -> tuple[Any, ...] | None:
        rows = await self._all(name)
        return rows[0] if rows else None


async def rate_of(connection: Connection, day: date) -> Fraction:
    """BTC per H/s and day; NoRateError."""
    rows = await rows_of(connection, _SQL["rate"], {"day": day})
    if not rows:
        raise NoRateError(f"{day} has no rate")
    return Fraction(int(rows[0][0]), int(rows[0][1]))


async def accounts_of(connection: Connection) -> Accounts:
    rows = await rows_of(connection, _SQL["accounts"], {})
    customers = {owner: found for owner, kind, found in rows if kind == AccountKind.CUSTOMER}
    mining = {owner: found for owner, kind, found in rows if kind == AccountKind.MINING}
    return Accounts(customers, mining)


async def carries_of(connection: Connection, first: int, last: int) -> dict[int, dict[Key, int]]:
    """Of the miners from `first` to `last`."""
    found: dict[int, dict[Key, int]] = {}
    rows = await rows_of(connection, _SQL["carries"], {"first": first, "last": last})
    for miner, line, about, parts in rows:
        found.setdefault(miner, {})[Line(line), about] = int(parts)
    return found


async def keep_carries(connection: Connection, carries: Mapping[int, Mapping[Key, int]]) -> None:
    flat = [
        (miner, line, about, parts)
        for miner, found in carries.items()
        for (line, about), parts in found.items()
    ]
    await connection.execute(
        _SQL["keep_carries"],
        {
            "miners": _array(miner for miner, *_ in flat),
            "kinds": _array(line for _, line, *_ in flat),
            "payees": _array(about for _, _, about, _ in flat),
            "parts": _array(parts for *_, parts in flat),
        },
    )


def _array(values: Iterable[object]) -> str:
    """An array of numbers or plain words as PostgreSQL reads it: ten times as fast as a list, of
    which each text is searched for what needs quotes."""
    return "{" + ",".join(map(str, values)) + "}"


async def write_lines(connection: Connection, lines: DayLines) -> None:
    """Rows, payments, transfers and events, in the caller's transaction."""
    for name, rows in (
        ("copy_rows", lines.rows),
        ("copy_payments", lines.payments),
        ("copy_events", lines.events),
    ):
        if rows:
            async with connection.cursor() as cursor, cursor.copy(_SQL[name]) as copy:
                for row in rows:
                    await copy.write_row(
                        [
                            orjson.dumps(value).decode() if isinstance(value, dict) else value
                            for value in row
                        ]
                    )
    if lines.transfers:
        await copy_in(connection, lines.transfers)


async def rows_of(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """All rows as tuples, whatever the connection's own form."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(statement.encode(), parameters)
        return await cursor.fetchall()
