"""Lists of workers: filters, orders and pages."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.store.entities import Entity
from query_api.telemetry.version import FiguresVersion, version_of
from schemas.access import EntityKind
from schemas.names.search import ids_found
from schemas.runtime.named_sql import load
from schemas.worker import Behavior, WorkerStatus

SQL: Final = load("query_api", "sql/workers.sql")


class WorkerSort(StrEnum):
    """What a list of workers is sorted by."""

    DEFAULT = "default"
    NAME = "worker_name"
    HASH_RATE_15M = "hash_rate_15m"
    HASH_RATE_1H = "hash_rate_1h"
    HASH_RATE_24H = "hash_rate_24h"
    REJECT_PCT_15M = "reject_pct_15m"


class Direction(StrEnum):
    ASC = "asc"
    DESC = "desc"


# What needs a person comes first. Names in natural order and by code point, so that every server
# sorts alike.
_NAME: Final = ('name_key collate "C"', 'name collate "C"')
_KEYS: Final = {
    WorkerSort.DEFAULT: (
        "array_position(array['unavailable','off','stable','removed'], status)",
        *_NAME,
    ),
    WorkerSort.NAME: _NAME,
    WorkerSort.HASH_RATE_15M: ("coalesce(accepted_15m, 0)",),
    WorkerSort.HASH_RATE_1H: ("coalesce(accepted_1h, 0)",),
    WorkerSort.HASH_RATE_24H: ("coalesce(accepted_1d, 0)",),
    WorkerSort.REJECT_PCT_15M: (
        "coalesce(rejected_15m / nullif(accepted_15m + rejected_15m, 0), 0)",
    ),
}
SCOPES: Final = {
    EntityKind.MINER: "id",
    EntityKind.OPERATOR: "operator_id",
    EntityKind.POOL: "pool_id",
}

VISIBLE: Final = (WorkerStatus.STABLE, WorkerStatus.UNAVAILABLE, WorkerStatus.OFF)
"""Statuses of a list that asks for none in particular."""


@dataclass(frozen=True, slots=True)
class WorkerQuery:
    """What a list shows. Empty `statuses`: all but removed; empty `behaviors`: all. Workers have
    all of `tags`."""

    statuses: Sequence[WorkerStatus] = ()
    behaviors: Sequence[Behavior] = ()
    sort: WorkerSort = WorkerSort.DEFAULT
    direction: Direction = Direction.ASC
    search: str = ""
    tags: Sequence[str] = ()
    group: str | None = None
    limit: int = 10
    offset: int = 0

    @property
    def by_label(self) -> bool:
        return bool(self.tags) or self.group is not None


@cache
def _page_sql(kind: EntityKind, sort: WorkerSort, direction: Direction) -> str:
    order = ", ".join(f"{key} {direction}" for key in (*_KEYS[sort], "id"))
    return SQL["workers_page"].replace("{scope}", SCOPES[kind]).replace("{order}", order)


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """Rows of the page, the count of all that match, and the version they are of."""

    rows: Sequence[Row]
    total_count: int
    version: FiguresVersion | None


async def page(
    database: Database, entity: Entity, query: WorkerQuery, labelled: Collection[int] | None
) -> WorkerPage:
    """`labelled`: ids of the workers that have the labels asked for; None: no label is."""
    found = await _found(database, entity, query.search) if query.search else None
    if labelled is not None:
        found = list(labelled) if found is None else list({*found} & {*labelled})
    rows = await database.fetch(
        _page_sql(entity.kind, query.sort, query.direction),
        entity.id,
        list(query.statuses or VISIBLE),
        list(query.behaviors or Behavior),
        found,
        query.limit,
        query.offset,
    )
    listed = [row for row in rows if row["uid"] is not None]
    return WorkerPage(listed, rows[0]["total_count"], version_of(rows[0]))


async def _found(database: Database, entity: Entity, search: str) -> list[int]:
    """Ids of the workers with `search` in their names."""
    rows = await database.fetch(SQL["names"].replace("{scope}", SCOPES[entity.kind]), entity.id)
    return await asyncio.to_thread(ids_found, rows, search, "name")


async def by_id(database: Database, worker_ids: Sequence[int]) -> Sequence[Row]:
    """The workers of these inner ids, in their order."""
    return await database.fetch(SQL["workers_by_id"], list(worker_ids))


async def worker(database: Database, uid: UUID) -> Row | None:
    """One worker with its scope, as in a list."""
    return await database.fetch_row(SQL["worker"], uid)


async def remove(database: Database, worker_id: int) -> None:
    await database.execute(SQL["remove_worker"], worker_id)
