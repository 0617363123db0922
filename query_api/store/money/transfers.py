"""Transfers by hand: a row of the ledger with a reason, and what customers see of it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg

from query_api.contract.money.transfers import Account, NewTransfer
from query_api.database import Database, Row
from query_api.http.errors import ConflictError, InvalidInputError
from schemas.money import satoshi_of
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_transfers.sql")


async def book(database: Database, pool_id: int, asked: NewTransfer, *, who: str) -> bool:
    """Whether it is new. ConflictError if the balance does not suffice, or if the id is that of
    another transfer."""
    amount_sat = satoshi_of(asked.amount)
    try:
        async with database.transaction() as connection:
            debit = await _account(connection, pool_id, asked.debit, "debit")
            credit = await _account(connection, pool_id, asked.credit, "credit")
            if debit["id"] == credit["id"]:
                raise InvalidInputError("body credit: must differ from debit")
            accounts = (debit["id"], credit["id"])
            reason = f"{asked.reason} (by {who})"
            booked = await connection.fetchval(SQL["book"], asked.id, *accounts, amount_sat, reason)
            if booked is None:
                await _require_same(connection, asked.id, (*accounts, amount_sat, "transfer"))
                return False
            await _show(connection, asked, debit["owner_id"], credit["owner_id"], amount_sat)
            return True
    except asyncpg.CheckViolationError:
        raise ConflictError("the balance does not suffice") from None


async def _account(
    connection: asyncpg.Connection, pool_id: int, account: Account, side: str
) -> Row:
    row: Row | None = await connection.fetchrow(
        SQL["account"], pool_id, account.owner_id, account.kind
    )
    if row is None:
        raise InvalidInputError(f"body {side}: the pool has no such account")
    return row


async def _require_same(
    connection: asyncpg.Connection, transfer_id: UUID, wanted: tuple[Any, ...]
) -> None:
    known = await connection.fetchrow(SQL["known"], transfer_id)
    if tuple(known.values()) != wanted:
        raise ConflictError("another transfer has this id")


async def _show(
    connection: asyncpg.Connection,
    asked: NewTransfer,
    debit_id: int,
    credit_id: int,
    amount_sat: int,
) -> None:
    sides = (
        (asked.debit, "outgoing", debit_id, credit_id),
        (asked.credit, "incoming", credit_id, debit_id),
    )
    for account, direction, owner_id, other_id in sides:
        if account.kind == "customer":
            await connection.execute(
                SQL["payment"],
                uuid5(asked.id, direction),
                owner_id,
                direction,
                amount_sat,
                asked.reason,
                other_id,
            )
