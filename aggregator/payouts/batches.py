"""Batches as they are stored: read, locked, moved on; every step with who and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from aggregator.payouts.errors import RefusedError
from aggregator.payouts.selection import Item
from aggregator.payouts.states import BatchState, TransactionState
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/batches.sql")

Connection = AsyncConnection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step, and when."""

    name: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One transaction of a batch."""

    txid: str
    number: int
    state: TransactionState
    psbt: str
    raw: bytes | None
    fee_sat: int
    fee_rate_sat_vb: int
    block_hash: str | None
    confirmations: int
    """By our own header chain; 0 outside of it."""


@dataclass(frozen=True, slots=True)
class Batch:
    id: UUID
    pool_id: int
    state: BatchState
    list_hash: str
    total_sat: int
    stopped: str | None
    versions: tuple[Version, ...]
    """Oldest first."""

    @property
    def newest(self) -> Version | None:
        """The last one that was not cancelled."""
        live = [one for one in self.versions if one.state != TransactionState.CANCELLED]
        return live[-1] if live else None

    @property
    def signed(self) -> Version | None:
        """The last one whose bytes are stored: what is sent."""
        stored = [one for one in self.versions if one.raw is not None]
        return stored[-1] if stored else None

    @property
    def sent(self) -> Version | None:
        """The one that nodes were last given; None before any was. A newer one that is signed waits
        for somebody who broadcasts it."""
        states = (TransactionState.BROADCAST, TransactionState.CONFIRMED, TransactionState.FINAL)
        return next((one for one in reversed(self.versions) if one.state in states), None)

    @property
    def in_chain(self) -> Version | None:
        """The one that a block of our chain holds."""
        return next((one for one in self.versions if one.confirmations), None)

    def require(self, *states: BatchState) -> None:
        """RefusedError unless the batch is in one of them."""
        if self.state not in states:
            wanted = " or ".join(states)
            raise RefusedError(f"the batch is {self.state}; this needs one that is {wanted}")


async def locked(connection: Connection, batch_id: UUID) -> Batch:
    """The batch, this transaction's until its end; RefusedError if there is none."""
    cursor = await connection.execute(_SQL["lock_batch"], {"batch_id": batch_id})
    row = await cursor.fetchone()
    if row is None:
        raise RefusedError("no such batch")
    cursor = await connection.execute(_SQL["versions"], {"batch_id": batch_id})
    versions = tuple(_version(one) for one in await cursor.fetchall())
    return Batch(
        id=row["id"],
        pool_id=row["pool_id"],
        state=BatchState(row["state"]),
        list_hash=row["list_hash"],
        total_sat=row["total_sat"],
        stopped=row["stopped"],
        versions=versions,
    )


async def items(connection: Connection, batch_id: UUID) -> list[Item]:
    """In the order of payment."""
    cursor = await connection.execute(_SQL["items"], {"batch_id": batch_id})
    return [
        Item(row["entity_id"], row["uid"], row["address"], bytes(row["script"]), row["amount_sat"])
        for row in await cursor.fetchall()
    ]


async def move(
    connection: Connection, batch: Batch, state: BatchState, actor: Actor, detail: str = ""
) -> None:
    """The batch's next state, with the step that led there."""
    await connection.execute(_SQL["move"], {"batch_id": batch.id, "state": state, "now": actor.now})
    await note(connection, batch.id, state, actor, detail)


async def note(
    connection: Connection, batch_id: UUID, step: str, actor: Actor, detail: str = ""
) -> None:
    """Write down a step."""
    await connection.execute(
        _SQL["note"],
        {
            "batch_id": batch_id,
            "step": step,
            "done_by": actor.name,
            "now": actor.now,
            "detail": detail or None,
        },
    )


async def stop(connection: Connection, batch: Batch, actor: Actor, reason: str) -> None:
    """A person is needed from here on; written down once for each reason."""
    if batch.stopped != reason:
        await connection.execute(_SQL["stop"], {"batch_id": batch.id, "reason": reason})
        await note(connection, batch.id, "stopped", actor, reason)


async def resume(connection: Connection, batch: Batch, actor: Actor, detail: str) -> None:
    if batch.stopped is not None:
        await connection.execute(_SQL["stop"], {"batch_id": batch.id, "reason": None})
        await note(connection, batch.id, "resumed", actor, detail)


async def set_version(connection: Connection, txid: str, state: TransactionState) -> None:
    await connection.execute(_SQL["set_version"], {"txid": txid, "state": state})


async def watched(connection: Connection) -> list[UUID]:
    """Batches with bytes stored that may change by what the chain does: those that are not final,
    and those that lately became it."""
    cursor = await connection.execute(_SQL["watched"])
    return [row["id"] for row in await cursor.fetchall()]


async def require_no_batch_of(connection: Connection, pool_id: int, day: date) -> None:
    """RefusedError if a batch was proposed for that day, whatever became of it."""
    cursor = await connection.execute(_SQL["batch_of_day"], {"pool_id": pool_id, "day": day})
    if await cursor.fetchone() is not None:
        raise RefusedError(f"the batch of {day} was proposed")


def _version(row: Mapping[str, Any]) -> Version:
    return Version(
        txid=row["txid"],
        number=row["version"],
        state=TransactionState(row["state"]),
        psbt=row["psbt"],
        raw=None if row["raw"] is None else bytes(row["raw"]),
        fee_sat=row["fee_sat"],
        fee_rate_sat_vb=row["fee_rate_sat_vb"],
        block_hash=row["block_hash"],
        confirmations=row["confirmations"] or 0,
    )
