"""Boundary workers and their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from query_api.config import BoundaryConfig
from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.store.locks import lock_miner
from query_api.store.workers import Direction
from schemas.runtime.named_sql import load
from schemas.worker import WorkerStatus

SQL: Final = load("query_api", "sql/boundary.sql")


class TransferSort(StrEnum):
    """What a list of hashrate transfers is sorted by."""

    DEFAULT = "default"
    NAME = "worker_name"
    NOMINAL_HASHRATE = "nominal_hashrate"
    CREATED_AT = "created_at"


class TransferStatus(StrEnum):
    STABLE = WorkerStatus.STABLE.value
    OFF = WorkerStatus.OFF.value


_KEYS: Final = {
    TransferSort.DEFAULT: ("disconnected_at is not null", 'name collate "C"'),
    TransferSort.NAME: ('name collate "C"',),
    TransferSort.NOMINAL_HASHRATE: ("hashrate",),
    TransferSort.CREATED_AT: ("created_at",),
}


@dataclass(frozen=True, slots=True)
class TransferQuery:
    """What a list of transfers shows. Empty `statuses`: all."""

    statuses: Sequence[TransferStatus]
    sort: TransferSort
    direction: Direction
    limit: int
    offset: int


async def find(database: Database, uid: UUID) -> Row | None:
    """A boundary worker with both its sides; None where there is none of that uid."""
    return await database.fetch_row(SQL["boundary_worker"], uid)


async def recipient(database: Database, uid: UUID) -> Row | None:
    """A miner with its scope and `made_by`, the donor that added it to give it hashrate."""
    return await database.fetch_row(SQL["recipient"], uid)


async def create(
    database: Database,
    *,
    name: str,
    recipient_id: int,
    donor_id: int,
    hashrate: Decimal,
    limits: BoundaryConfig,
) -> UUID:
    """ConflictError if the recipient has a boundary worker of that name, or one of the two sides
    has as many as it may."""
    async with database.transaction() as connection:
        await lock_miner(connection, donor_id, recipient_id)
        counts = await connection.fetchrow(SQL["count_sides"], donor_id, recipient_id)
        if counts["given"] >= limits.max_per_donor:
            raise ConflictError(f"a donor has at most {limits.max_per_donor} boundary workers")
        if counts["received"] >= limits.max_per_recipient:
            raise ConflictError(
                f"a recipient has at most {limits.max_per_recipient} boundary workers"
            )
        row = await connection.fetchrow(SQL["create_worker"], recipient_id, name)
        if row is None:
            raise ConflictError("name: the recipient has a boundary worker of that name")
        await connection.execute(SQL["create_boundary"], row["id"], donor_id, hashrate)
        uid: UUID = row["uid"]
        return uid


async def change_hashrate(database: Database, worker_id: int, hashrate: Decimal) -> None:
    """From the next 00:00 UTC; ConflictError where the worker is disconnected."""
    changed = await database.fetch_value(SQL["change_hashrate"], worker_id, hashrate)
    if changed is None:
        raise ConflictError("the boundary worker is disconnected")


async def disconnect(database: Database, worker_id: int) -> None:
    await database.execute(SQL["disconnect"], worker_id)


async def transfers(
    database: Database, donor_id: int, query: TransferQuery
) -> tuple[Sequence[Row], int]:
    """The page and the count of all that match."""
    order = ", ".join(f"{key} {query.direction}" for key in (*_KEYS[query.sort], "id"))
    rows = await database.fetch(
        SQL["transfers_page"].replace("{order}", order),
        donor_id,
        list(query.statuses or TransferStatus),
        query.limit,
        query.offset,
    )
    return [row for row in rows if row["uid"] is not None], rows[0]["total_count"]
