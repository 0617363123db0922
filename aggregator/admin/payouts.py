"""What operators read about payouts by command: lists, one batch, what waits to be signed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from schemas.money import btc_text
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/reading.sql")

Connection = AsyncConnection[dict[str, Any]]


async def list_batches(connection: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Newest first, with payees, BTC and confirmations."""
    return await _rows(connection, "list_batches", {"limit": limit})


async def money(connection: Connection) -> list[dict[str, Any]]:
    """Money on hand of each pool whose wallet the service has seen."""
    return await _rows(connection, "money_on_hand", {})


async def show(connection: Connection, batch_id: UUID) -> dict[str, Any] | None:
    """A batch with its items, those left out, its transactions and steps; None without one."""
    parameters = {"batch_id": batch_id}
    found = await _rows(connection, "batch", parameters)
    if not found:
        return None
    parts = ("items", "left_out", "transactions", "steps")
    return found[0] | {part: await _rows(connection, part, parameters) for part in parts}


async def psbt_to_sign(connection: Connection, batch_id: UUID) -> str | None:
    """Of the newest version that has no signature; None if none waits for one."""
    rows = await _rows(connection, "psbt_to_sign", {"batch_id": batch_id})
    return rows[0]["psbt"] if rows else None


async def _rows(
    connection: Connection, name: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SQL[name], parameters)
    return [_in_btc(row) for row in await cursor.fetchall()]


def _in_btc(row: dict[str, Any]) -> dict[str, Any]:
    """Columns in satoshi as BTC, under the name that people know."""
    return {
        (name.removesuffix("_sat") + "_btc" if name.endswith("_sat") else name): (
            btc_text(value) if name.endswith("_sat") else value
        )
        for name, value in row.items()
    }
