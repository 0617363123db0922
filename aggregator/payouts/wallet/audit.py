"""The wallet's unspent outputs as the blocks that we read say it, and as a node says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.payouts.wallet.node import Node
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/wallet.sql")

Connection = AsyncConnection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Audit:
    """`problems` is empty if the node has each of the outputs, with the same amount."""

    outputs: int
    total_sat: int
    problems: tuple[str, ...]


async def audit(connection: Connection, node: Node) -> Audit | None:
    """None if the node stands at another block than we do: nothing can be said then."""
    rows = await _rows(connection, "unspent")
    points = [(row["txid"], row["vout"]) for row in rows]
    node_tip, amounts_sat = await node.unspent_sat(points)
    tips = await _rows(connection, "tip")
    if [row["hash"] for row in tips] != [node_tip]:
        return None
    problems = [
        f"output {row['txid']}:{row['vout']} of {row['amount_sat']} sat: the node "
        + ("has it spent, or not at all" if amount_sat is None else f"says {amount_sat} sat")
        for row, amount_sat in zip(rows, amounts_sat, strict=True)
        if amount_sat != row["amount_sat"]
    ]
    return Audit(len(rows), sum(row["amount_sat"] for row in rows), tuple(problems))


async def _rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SQL[name])
    return await cursor.fetchall()
