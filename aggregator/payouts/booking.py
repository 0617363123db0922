"""What payouts book, and the payments that people see of it.

    propose    pending   customer     → wallet     the amount is reserved
    cancel     void      customer     → wallet     ... and given back
    finalize   post      customer     → wallet     ... or paid
    finalize   single    network_fees → wallet     what the network took; the pool bears it
    deposit    single    wallet       → external   coins from outside, deep enough

A debit gives, a credit receives: a wallet holds its debits less its credits. Each id is made from
what is booked, so that booking again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from aggregator.payouts.batches import Actor, Batch, Connection, Version
from aggregator.payouts.selection import Candidate, Item
from schemas.money import CURRENCY, btc_text
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/booking.sql")
_NAMESPACE: Final = UUID("6f0f2f5c-5d3c-4c1e-9a4e-3b1f6a1d7c20")
BROADCAST: Final = "broadcast"
FINAL: Final = "final"


async def candidates(connection: Connection, pool_id: int, now: datetime) -> list[Candidate]:
    """Everybody in the pool with something due: miners, operators, the pool itself."""
    rows = await _rows(connection, "candidates", {"pool_id": pool_id, "now": now})
    return [Candidate(**row) for row in rows]


async def promised_sat(connection: Connection, pool_id: int) -> int:
    """What batches of the pool will pay that hold no coins yet."""
    rows = await _rows(connection, "promised", {"pool_id": pool_id})
    promised: int = rows[0]["promised_sat"]
    return promised


async def reserve(
    connection: Connection, batch_id: UUID, pool_id: int, items: Sequence[Item], actor: Actor
) -> Mapping[int, UUID]:
    """A pending transfer for each item: the transfers by entity."""
    transfers = {item.entity_id: uuid5(batch_id, f"reserve {item.entity_id}") for item in items}
    await connection.execute(
        _SQL["reserve"],
        {
            "ids": list(transfers.values()),
            "entity_ids": list(transfers),
            "amounts_sat": [item.amount_sat for item in items],
            "payment_ids": [payment_id(batch_id, item.entity_id) for item in items],
            "pool_id": pool_id,
            "now": actor.now,
        },
    )
    return transfers


async def void(connection: Connection, batch: Batch, actor: Actor) -> None:
    await _end(connection, batch, "void", actor)


async def post(connection: Connection, batch: Batch, version: Version, actor: Actor) -> None:
    """Everybody is paid, the fee is booked, the payments are completed, and people hear of it."""
    await _end(connection, batch, "post", actor)
    await connection.execute(
        _SQL["network_fee"],
        {
            "id": uuid5(batch.id, f"fee {version.txid}"),
            "pool_id": batch.pool_id,
            "amount_sat": version.fee_sat,
            "now": actor.now,
        },
    )
    parameters = {"batch_id": batch.id, "tx_hash": version.txid, "status": "completed"}
    await connection.execute(_SQL["set_payments"], parameters)
    await _publish(connection, batch, version.txid, FINAL, actor)


async def announce(connection: Connection, batch: Batch, tx_hash: str, actor: Actor) -> None:
    """The payments of a batch that was broadcast: `pending` until it is final. Again with another
    tx hash after a fee bump; people hear of the first one."""
    parameters = {"batch_id": batch.id, "tx_hash": tx_hash, "now": actor.now}
    await connection.execute(_SQL["insert_payments"], parameters)
    await connection.execute(_SQL["set_payments"], parameters | {"status": "pending"})
    await _publish(connection, batch, tx_hash, BROADCAST, actor)


async def book_deposits(
    connection: Connection, pool_id: int, deposits: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Coins from outside: the wallet has them now."""
    async with connection.transaction():
        for coin in deposits:
            name = f"{coin['txid']}:{coin['vout']}"
            parameters = {"id": uuid5(_NAMESPACE, name), "pool_id": pool_id, "now": now, **coin}
            await connection.execute(_SQL["note_deposit"], parameters)
            await connection.execute(_SQL["deposit"], parameters)


def payment_id(batch_id: UUID, entity_id: int) -> UUID:
    return uuid5(batch_id, f"payment {entity_id}")


async def _end(connection: Connection, batch: Batch, state: str, actor: Actor) -> None:
    rows = await _rows(connection, "payees", {"batch_id": batch.id})
    await connection.execute(
        _SQL["end_reservations"],
        {
            "ids": [uuid5(row["transfer_id"], state) for row in rows],
            "pending_ids": [row["transfer_id"] for row in rows],
            "state": state,
            "now": actor.now,
        },
    )


async def _publish(
    connection: Connection, batch: Batch, tx_hash: str, stage: str, actor: Actor
) -> None:
    payees = await _rows(connection, "payees", {"batch_id": batch.id})
    fields = [
        {
            "payment_id": str(row["payment_id"]),
            "currency": CURRENCY,
            "amount": btc_text(row["amount_sat"]),
            "address": row["address"],
            "tx_hash": tx_hash,
            "status": stage,
        }
        for row in payees
    ]
    await connection.execute(
        _SQL["publish"],
        {
            "event_ids": [uuid5(row["payment_id"], stage) for row in payees],
            "entity_ids": [row["entity_id"] for row in payees],
            "fields": [orjson.dumps(one).decode() for one in fields],
            "now": actor.now,
        },
    )


async def _rows(
    connection: Connection, name: str, parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SQL[name], parameters)
    return await cursor.fetchall()
