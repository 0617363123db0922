"""Transfers: one debit, one credit, an id that follows from what it is about.

    single ─ done            pending ─┬─ post ─ done
                                      └─ void ─ as if it had never been

Booking a transfer again books nothing: its id is the same. A row is never changed; what was wrong
is corrected by a row that names it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg import AsyncConnection
from psycopg.rows import dict_row, tuple_row

from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.ledger", "sql/ledger.sql")
NAMESPACE: Final = UUID("5f0f2f5e-6f0b-5d0e-9a53-6d6f6e657921")

Connection = AsyncConnection[Any]


class AccountKind(StrEnum):
    """What an account stands for."""

    CUSTOMER = "customer"
    MINING = "mining"
    WALLET = "wallet"
    NETWORK_FEES = "network_fees"
    EXTERNAL = "external"


class TransferState(StrEnum):
    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class PendingEndedError(Exception):
    """The pending transfer was ended the other way before."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A row of the ledger. A credit is what an account receives."""

    id: UUID
    debit_account_id: int
    credit_account_id: int
    amount_sat: int
    kind: str
    effective_at: datetime
    created_at: datetime
    state: TransferState = TransferState.SINGLE
    pending_id: UUID | None = None
    payment_id: UUID | None = None
    settlement_day: date | None = None
    corrects: UUID | None = None
    reason: str | None = None


def content_id(*content: object) -> UUID:
    """The same for the same content, anywhere and at any time.

    >>> content_id("payout", 7) == content_id("payout", 7)
    True
    """
    return uuid5(NAMESPACE, " ".join(map(str, content)))


async def account(connection: Connection, owner_id: int, kind: AccountKind) -> int:
    """Its id; LookupError if nobody of that id has one."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["account"], {"owner_id": owner_id, "kind": kind})
        row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"{owner_id} has no {kind} account")
    found: int = row[0]
    return found


async def available_sat(connection: Connection, owner_id: int) -> int:
    """What is owed to a miner, operator or pool and not reserved."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["balance"], {"owner_id": owner_id})
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def book(connection: Connection, transfers: Sequence[Transfer]) -> int:
    """Write those that are not there yet, in the caller's transaction; how many that were.

    CheckViolation if a customer would fall below 0.
    """
    known = await _known(connection, {one.id for one in transfers})
    new = [one for one in transfers if one.id not in known]
    if new:
        await copy_in(connection, new)
    return len(new)


async def copy_in(connection: Connection, transfers: Sequence[Transfer]) -> None:
    """All of them in one statement: balances change once; UniqueViolation for known ones."""
    async with connection.cursor() as cursor, cursor.copy(_SQL["copy_transfers"]) as copy:
        for one in transfers:
            await copy.write_row(
                (
                    one.id,
                    one.debit_account_id,
                    one.credit_account_id,
                    one.amount_sat,
                    one.kind,
                    one.state,
                    one.pending_id,
                    one.payment_id,
                    one.settlement_day,
                    one.corrects,
                    one.reason,
                    one.created_at,
                    one.effective_at,
                )
            )


async def post(connection: Connection, pending_id: UUID, *, now: datetime) -> bool:
    """What was reserved is given; False if it was before. PendingEndedError if it was voided."""
    return await _end(connection, pending_id, TransferState.POST, now)


async def void(connection: Connection, pending_id: UUID, *, now: datetime) -> bool:
    """What was reserved goes back; False if it did before. PendingEndedError if it was posted."""
    return await _end(connection, pending_id, TransferState.VOID, now)


async def _end(
    connection: Connection, pending_id: UUID, state: TransferState, now: datetime
) -> bool:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["outcome"], {"id": pending_id})
        if ended := await cursor.fetchone():
            if ended["state"] != state:
                raise PendingEndedError(f"{pending_id} has a {ended['state']} already")
            return False
        await cursor.execute(_SQL["pending"], {"id": pending_id})
        row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"no pending transfer {pending_id}")
    pending = Transfer(**{name.name: row[name.name] for name in dataclasses.fields(Transfer)})
    await copy_in(
        connection,
        [
            dataclasses.replace(
                pending,
                id=content_id(state, pending_id),
                state=state,
                pending_id=pending_id,
                created_at=now,
            )
        ],
    )
    return True


async def _known(connection: Connection, ids: Collection[UUID]) -> set[UUID]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["known"], {"ids": list(ids)})
        return {row[0] for row in await cursor.fetchall()}
