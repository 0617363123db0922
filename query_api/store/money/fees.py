"""Fee schedules: read whole, changed from a coming day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import asyncpg

from query_api.database import Database, Row
from query_api.http.errors import InvalidInputError
from query_api.money.schedule import (
    FeeEntry,
    check_new_entries,
    first_day_above_one,
    replaced,
)
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_fees.sql")


class Relation(StrEnum):
    """Who pays whom: the payer is a miner."""

    MINER_POOL = "miner_pool"
    MINER_OPERATOR = "miner_operator"
    RECIPIENT_DONOR = "recipient_donor"


@dataclass(frozen=True, slots=True)
class FeeKey:
    """One schedule. `beside`: the one whose fee is taken off the same work, if there is one; both
    together are at most 1."""

    relation: Relation
    payer_id: int
    payee_id: int
    beside: FeeKey | None = None

    @property
    def values(self) -> tuple[str, int, int]:
        return self.relation.value, self.payer_id, self.payee_id


async def schedule(database: Database, key: FeeKey) -> Sequence[Row]:
    """All entries, the earliest first, each with the day on which it ends."""
    return await database.fetch(SQL["fee_schedule"], *key.values)


async def history(database: Database, key: FeeKey, *, limit: int, offset: int) -> Sequence[Row]:
    """All that was ever entered, the newest first, each with the count of all."""
    return await database.fetch(SQL["fee_history"], *key.values, limit, offset)


async def today(database: Database) -> date:
    day: date = await database.fetch_value(SQL["today"])
    return day


async def begun_on(database: Database, key: FeeKey) -> date:
    """Since when a schedule without entries is one of 0: since both miners exist."""
    day: date = await database.fetch_value(SQL["begun_on"], key.payer_id, key.payee_id)
    return day


async def replace_from(
    database: Database, key: FeeKey, entries: Sequence[FeeEntry], *, who: str
) -> None:
    """`entries` take the place of what begins on their first date or later. InvalidInputError for
    dates out of order, and for fees that would take more than there is."""
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_payers"], [key.payer_id])
        tomorrow = await connection.fetchval(SQL["today"]) + timedelta(days=1)
        check_new_entries(entries, tomorrow=tomorrow)
        await _check_sum(connection, key, entries)
        if key.relation is Relation.RECIPIENT_DONOR:
            await connection.execute(SQL["free_until_then"], *key.values)
        await write(connection, key, entries, who=who)


async def replace_tomorrow(database: Database, key: FeeKey, fee: Decimal, *, who: str) -> None:
    """From the next 00:00 UTC on, without an end."""
    tomorrow = await today(database) + timedelta(days=1)
    await replace_from(database, key, [FeeEntry(tomorrow, fee)], who=who)


async def write(
    connection: asyncpg.Connection, key: FeeKey, entries: Sequence[FeeEntry], *, who: str
) -> None:
    """Without any check: the caller has made them."""
    await connection.execute(SQL["supersede_fees"], *key.values, entries[0].valid_from, who)
    await connection.execute(
        SQL["add_fees"],
        *key.values,
        [entry.valid_from for entry in entries],
        [entry.fee for entry in entries],
        [entry.comment for entry in entries],
        who,
    )


async def set_default_fee(database: Database, operator_id: int, fee: Decimal) -> None:
    """InvalidInputError if new miners would pay more than they earn."""
    if await database.fetch_value(SQL["set_default_fee"], operator_id, fee) is None:
        raise InvalidInputError("body fee: it is above 1 together with the fee of the pool")


async def _check_sum(
    connection: asyncpg.Connection, key: FeeKey, entries: Sequence[FeeEntry]
) -> None:
    if key.beside is None:
        return
    own = replaced(await _entries(connection, key), entries)
    beside = await _entries(connection, key.beside)
    day = first_day_above_one(own, beside, since=entries[0].valid_from)
    if day is not None:
        raise InvalidInputError(
            f"body schedule: on {day} the fees of pool and operator are together above 1"
        )


async def _entries(connection: asyncpg.Connection, key: FeeKey) -> list[FeeEntry]:
    rows = await connection.fetch(SQL["fee_schedule"], *key.values)
    return [FeeEntry(row["valid_from"], row["fee"], row["comment"] or "") for row in rows]
