"""One day after the other: freeze, find the rate, book. Or say what the next one waits for.

    watermark past the day's end, clock past 10:10 ─▶ freeze ─▶ rate known ─▶ book ─▶ next day

A day is frozen without its rate, so that retention may drop the minutes while the rate is awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.settlement.book import Booking
from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.freeze import bounds, freeze
from aggregator.settlement.rates import make_rate
from aggregator.settlement.transactions import Transaction
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/days.sql")

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Waits:
    """The next day, and for what it waits."""

    day: date | None
    reason: str


async def settle_due(
    connection: Connection,
    config: SettlementConfig,
    *,
    now: datetime,
    transaction: Transaction,
    may_freeze: bool = True,
    reached: Callable[[str], Awaitable[None]] | None = None,
) -> Waits:
    """Settle all days that are due, then say what the next one waits for.

    `connection` is in autocommit mode; `reached` is called after each transaction, by its name.
    """
    while True:
        frozen = await _freeze_next(
            connection, config, now=now, transaction=transaction, may_freeze=may_freeze
        )
        if reached is not None:
            await reached("frozen")
        day = await _one(connection, "next_to_book", {})
        if day is None:
            return frozen
        async with transaction():
            reason = await make_rate(connection, day, config, now=now)
        if reason is not None:
            return Waits(day, reason)
        if reached is not None:
            await reached("rated")
        booking = Booking(connection, day, chunk=config.chunk, now=now)
        left = True
        while left:
            async with transaction():
                left = await booking.step()
            if reached is not None:
                await reached("booked")


async def coming_in(connection: Connection, config: SettlementConfig) -> bool:
    """Whether shares of the day that is frozen next may still be on their way."""
    day = await _one(connection, "next_to_freeze", {"first_day": config.first_day})
    if day is None:
        return True
    start, end = bounds(day)
    return bool(await _one(connection, "coming_in", {"start": start, "end": end}))


async def _freeze_next(
    connection: Connection,
    config: SettlementConfig,
    *,
    now: datetime,
    transaction: Transaction,
    may_freeze: bool,
) -> Waits:
    """Freeze days as long as one is due; what the next one waits for."""
    while True:
        day = await _one(connection, "next_to_freeze", {"first_day": config.first_day})
        if day is None:
            return Waits(None, "the first share")
        reason = await _not_due(connection, day, config, now)
        if reason is None and (not may_freeze or await coming_in(connection, config)):
            reason = "shares that still come in"
        if reason is not None:
            return Waits(day, reason)
        async with transaction(snapshot=True):
            # Another process may have frozen it while this one waited.
            if await _one(connection, "next_to_freeze", {"first_day": config.first_day}) == day:
                await freeze(connection, day, now=now)


async def _not_due(
    connection: Connection, day: date, config: SettlementConfig, now: datetime
) -> str | None:
    start, end = bounds(day)
    due = end + timedelta(seconds=config.settle_after_s)
    if now < due:
        return f"{due:%Y-%m-%d %H:%M} UTC"
    watermark = await _one(connection, "watermark", {})
    if watermark is None or watermark < end:
        return f"complete minutes: figures are at {watermark or 'nothing yet'}"
    behind = await _one(connection, "boundary_behind", {"start": start, "end": end})
    if behind:
        return f"minutes of {behind} boundary workers"
    return None


async def note(connection: Connection, waits: Waits, *, now: datetime) -> None:
    """For people: what the next day waits for."""
    await connection.execute(
        _SQL["note"], {"day": waits.day, "waits_for": waits.reason, "now": now}
    )


async def _one(connection: Connection, name: str, parameters: dict[str, Any]) -> Any:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL[name], parameters)
        row = await cursor.fetchone()
    return None if row is None else row[0]
