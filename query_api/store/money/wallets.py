"""Wallets: where money goes and from which amount on, with what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from query_api.auth.caller import Scope
from query_api.database import Database, Row
from query_api.http.timestamps import rfc3339
from schemas.access import EntityKind
from schemas.addresses.bitcoin import BitcoinNetwork
from schemas.messages.notifications import Notice
from schemas.money import CURRENCY, btc_text
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/money_wallets.sql")


@dataclass(frozen=True, slots=True)
class Wallet:
    """`least_sat`: the minimum payment if nobody has set one. `scope` as for reading; `own_scope`
    is of the owner alone, whose roles decide where its money goes."""

    uid: UUID
    owner_id: int
    created_at: datetime
    least_sat: int
    scope: Scope
    own_scope: Scope


async def find(database: Database, uid: UUID) -> Wallet | None:
    row = await database.fetch_row(SQL["find_wallet"], uid)
    if row is None:
        return None
    return Wallet(
        row["uid"],
        row["owner_id"],
        row["created_at"],
        round(row["least_sat"]),
        Scope(row["pool_id"], row["operator_id"], row["miner_id"]),
        _own_scope(EntityKind(row["kind"]), row["owner_id"]),
    )


def _own_scope(kind: EntityKind, owner_id: int) -> Scope:
    return Scope(
        owner_id if kind is EntityKind.POOL else None,
        owner_id if kind is EntityKind.OPERATOR else None,
        owner_id if kind is EntityKind.MINER else None,
    )


async def addresses(database: Database, wallet: Wallet) -> Sequence[Row]:
    return await database.fetch(SQL["addresses"], wallet.uid)


async def min_payments(database: Database, wallet: Wallet) -> Sequence[Row]:
    """The newest first; without any, the pool's minimum since the wallet is there."""
    rows = await database.fetch(SQL["min_payments"], wallet.uid)
    if any(row["begun"] for row in rows):
        return rows
    default = {
        "amount_sat": wallet.least_sat,
        "valid_from": wallet.created_at,
        "updated_at": wallet.created_at,
        "begun": True,
        "valid_until": rows[-1]["valid_from"] if rows else None,
    }
    return [*rows, default]


async def change_address(
    database: Database,
    wallet: Wallet,
    address: str,
    *,
    network: BitcoinNetwork,
    wait_s: float,
    who: str,
) -> None:
    """A coming change is replaced. The address in force, set again, takes a coming change back;
    whoever heard of that change hears that it is off."""
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_wallet"], wallet.uid)
        cancelled = await connection.fetchval(SQL["cancel_coming_addresses"], wallet.uid)
        valid_from = await connection.fetchval(
            SQL["add_address"], wallet.uid, address, network.value, wait_s, who
        )
        if valid_from is None and cancelled:
            valid_from = await connection.fetchval(SQL["address_in_force_since"], wallet.uid)
        fields = {"address": address}
        await _notify(connection, wallet, Notice.ADDRESS_CHANGED, fields, valid_from)


async def change_min_payment(
    database: Database, wallet: Wallet, amount_sat: int, *, who: str
) -> None:
    """From the next 00:00 UTC; a coming change is replaced."""
    async with database.transaction() as connection:
        await connection.execute(SQL["lock_wallet"], wallet.uid)
        cancelled = await connection.fetchval(SQL["cancel_coming_min_payments"], wallet.uid)
        valid_from = await connection.fetchval(SQL["add_min_payment"], wallet.uid, amount_sat, who)
        if valid_from is None and cancelled:
            valid_from = await connection.fetchval(SQL["min_payment_in_force_since"], wallet.uid)
        fields = {"amount": btc_text(amount_sat)}
        await _notify(connection, wallet, Notice.MINPAY_CHANGED, fields, valid_from)


async def _notify(
    connection: asyncpg.Connection,
    wallet: Wallet,
    kind: Notice,
    fields: dict[str, Any],
    valid_from: datetime | None,
) -> None:
    """`valid_from` is None if nothing changed: no notice then."""
    if valid_from is None:
        return
    head = {"wallet_id": str(wallet.uid), "currency": CURRENCY, "valid_from": rfc3339(valid_from)}
    text = orjson.dumps(head | fields).decode()
    await connection.execute(SQL["add_event"], kind, wallet.owner_id, text)
