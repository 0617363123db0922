"""Shares that come after the settlement: found, shown, and booked as corrections of their own.

A booked day is never changed. Its minutes are counted again; a miner whose work differs gets a new
version of the day, and the difference of the two is booked in rows that name what they correct. A
correction that somebody cannot pay back yet waits until his balance suffices.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.errors import CheckViolation

from aggregator.settlement.book import (
    accounts_of,
    carries_of,
    keep_carries,
    rate_of,
    rows_of,
    write_lines,
)
from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.freeze import bounds, gather, keep_terms, keep_work
from aggregator.settlement.lines import Accounts, DayLines, amounts_of, first_ids
from aggregator.settlement.split import PARTS, Amounts, gross_parts, split
from aggregator.settlement.terms import Fee, Terms
from aggregator.settlement.transactions import Transaction
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/correct.sql")
_BOOK: Final = load("aggregator.settlement", "sql/book.sql")
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]


class NotSettledError(Exception):
    """The day cannot be checked; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A miner's day as it was settled and as its minutes are now, in hashes."""

    miner_id: int
    version: int
    """That is live; 0 without one."""
    settled: int
    counted: int
    worth_sat: int
    """Of the difference, before fees, rounded down to whole satoshi."""


@dataclass(frozen=True, slots=True)
class Corrections:
    booked: int
    waiting: tuple[int, ...]
    """Miners of whom somebody's balance does not suffice."""
    gross_sat: int


async def differences(connection: Connection, day: date) -> list[Difference]:
    """The caller's transaction, which is a snapshot; NotSettledError."""
    parameters = dict(zip(("start", "end"), bounds(day), strict=True)) | {"day": day}
    state = await rows_of(connection, _SQL["day"], parameters)
    if not state or state[0][0] != "booked":
        raise NotSettledError(f"{day} is not settled")
    if not (await rows_of(connection, _SQL["minutes_are_there"], parameters))[0][0]:
        raise NotSettledError(f"minutes of {day} are older than the retention of minutes")
    rate = await rate_of(connection, day)
    await gather(connection, day)
    found = []
    for miner, version, settled, counted in await rows_of(connection, _SQL["changed"], parameters):
        before, after = gross_parts(rate, int(settled)), gross_parts(rate, int(counted))
        worth_sat = (after - before) // PARTS
        found.append(Difference(miner, version, int(settled), int(counted), worth_sat))
    return found


async def correct(
    connection: Connection,
    day: date,
    *,
    now: datetime,
    transaction: Transaction,
    limit_sat: int | None = None,
) -> Corrections:
    """Book the differences of a day, all in one transaction but for those that have to wait.

    With `limit_sat`, nothing is booked if they are worth more than that together.
    """
    async with transaction(snapshot=True):
        found = await differences(connection, day)
        if limit_sat is not None and sum(abs(one.worth_sat) for one in found) > limit_sat:
            log.warning("correction_above_limit", day=day.isoformat(), miners=len(found))
            return Corrections(0, tuple(one.miner_id for one in found), 0)
        return await _book(connection, day, found, now)


async def correct_lately(
    connection: Connection, config: SettlementConfig, *, now: datetime, transaction: Transaction
) -> None:
    """The last settled days whose minutes are still there, within the limit of a day."""
    for (day,) in await rows_of(connection, _SQL["booked_lately"], {}):
        try:
            done = await correct(
                connection,
                day,
                now=now,
                transaction=transaction,
                limit_sat=config.correct_up_to_sat,
            )
        except NotSettledError:
            return
        if done.booked:
            log.info("day_corrected", day=day.isoformat(), miners=done.booked)


async def _book(
    connection: Connection, day: date, found: list[Difference], now: datetime
) -> Corrections:
    if found:
        await _freeze_new_miners(connection, day, found)
    accounts = await accounts_of(connection)
    booked, gross_sat, waiting = 0, 0, []
    for one in found:
        try:
            async with connection.transaction():
                gross_sat += await _book_one(connection, day, one, accounts, now)
                booked += 1
        except CheckViolation:
            waiting.append(one.miner_id)
    await connection.execute(_SQL["add_gross"], {"day": day, "gross_sat": gross_sat})
    return Corrections(booked, tuple(waiting), gross_sat)


async def _freeze_new_miners(connection: Connection, day: date, found: list[Difference]) -> None:
    """Miners without any work that day until now get their first version, with terms."""
    new_miners = [one.miner_id for one in found if one.version == 0]
    await keep_work(connection, day, version=1, miners=new_miners)
    await connection.execute(_SQL["no_gifts"])
    await keep_terms(connection, day, miners=new_miners)


async def _book_one(
    connection: Connection, day: date, one: Difference, accounts: Accounts, now: datetime
) -> int:
    """The gross that came or went."""
    miner, version = one.miner_id, one.version + 1
    if one.version:
        await keep_work(connection, day, version=version, miners=[miner])
    parameters = {"day": day, "miner": miner}
    before: Amounts = {}
    if live := await rows_of(connection, _SQL["live_row"], parameters):
        before = amounts_of(live[0][1])
        await connection.execute(_SQL["retire"], parameters)
    work = await rows_of(
        connection,
        _BOOK["work"],
        {"day": day, "version": version, "first": miner, "last": miner},
    )
    by_operator = {operator: int(hashes) for _, operator, hashes in work}
    terms = await _terms_of(connection, day, miner, by_operator)
    carries = (await carries_of(connection, miner, miner)).get(miner, {})
    rate = await rate_of(connection, day)
    result = split(
        by_operator,
        terms,
        rate,
        carries=carries,
        before=before,
    )
    known = await rows_of(
        connection, _SQL["first_ids"], parameters | {"ids": first_ids(day, miner, terms, result)}
    )
    corrected = frozenset(row[0] for row in known)
    lines = DayLines(day, rate, accounts, now=now, version=version, late=True, corrected=corrected)
    lines.add(miner, terms, result, before)
    await write_lines(connection, lines)
    await keep_carries(connection, {miner: carries})
    return lines.gross_sat


async def _terms_of(
    connection: Connection, day: date, miner: int, operators: Collection[int]
) -> Terms:
    """As they were frozen, with the fees towards operators that only late work was for."""
    parameters = {"day": day, "miner": miner}
    frozen = await rows_of(connection, _SQL["terms_of"], parameters)
    terms = Terms.from_json(frozen[0][0])
    late = sorted({operator for operator in operators if operator} - terms.operators.keys())
    if not late:
        return terms
    rows = await rows_of(connection, _SQL["operator_fees"], parameters | {"operators": late})
    fees = {operator: Fee(ppm, entry) for operator, ppm, entry in rows}
    return replace(terms, operators={**terms.operators, **fees})
