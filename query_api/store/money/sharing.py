"""Profit sharing, referrals and referrer codes."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import asyncpg

from query_api.database import Database, Row
from query_api.http.errors import ConflictError, InvalidInputError, NotFoundError
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_sharing.sql")
CODE_PREFIX: Final = "hfrc_"
_CODE_LETTERS: Final = string.ascii_uppercase + string.digits
# 36^8 codes: with a million miners one new code in 2,800,000 is somebody else's already.
_CODE_LENGTH: Final = 8


async def active(database: Database, donor_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["active_sharings"], donor_id)


async def history(
    database: Database, donor_id: int, recipient_id: int, *, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    rows = await database.fetch(SQL["sharings_page"], donor_id, recipient_id, limit, offset)
    return [row for row in rows if row["id"] is not None], rows[0]["total_count"]


async def begin(
    database: Database, donor_id: int, recipient_id: int, *, kind: str, rate: Decimal, who: str
) -> None:
    """From the next 00:00 UTC, in place of what the two have now. ConflictError if the donor would
    give away more than its reward."""
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_donor"], donor_id)
        await connection.execute(SQL["end_sharing"], donor_id, recipient_id, who)
        await connection.execute(SQL["begin_sharing"], donor_id, recipient_id, kind, rate, who)
        total = await connection.fetchval(SQL["shared_rate"], donor_id)
        if total > 1:
            raise ConflictError("body rate: the donor would share more than its whole reward")


async def end(database: Database, donor_id: int, recipient_id: int, *, who: str) -> None:
    """From the next 00:00 UTC; NotFoundError if nothing is shared."""
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_donor"], donor_id)
        if await connection.fetchval(SQL["end_sharing"], donor_id, recipient_id, who) is None:
            raise NotFoundError("nothing is shared between these two")


async def referrer_code(database: Database, miner_id: int) -> Row:
    """The miner's code, made when it is first asked for."""
    while (row := await database.fetch_row(SQL["referrer_code"], miner_id)) is None:
        await database.execute(SQL["add_referrer_code"], miner_id, _new_code())
    return row


async def add_referral(connection: asyncpg.Connection, miner_id: int, code: str) -> None:
    """In the transaction that creates the miner; InvalidInputError for a code of nobody."""
    if await connection.fetchval(SQL["add_referral"], miner_id, code) is None:
        raise InvalidInputError("body referrer_code: no such code")


async def referrals(
    database: Database, referrer_id: int, *, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    rows = await database.fetch(SQL["referrals_page"], referrer_id, limit, offset)
    return [row for row in rows if row["uid"] is not None], rows[0]["total_count"]


def _new_code() -> str:
    return CODE_PREFIX + "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
