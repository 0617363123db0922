"""Pages of lists with very many workers, by the worker index; the rest is left to SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from query_api.dependencies import Context
from query_api.store import worker_labels, workers
from query_api.store.entities import Entity
from query_api.store.workers import SCOPES, VISIBLE, Direction, WorkerPage, WorkerQuery, WorkerSort
from query_api.worker_index import index
from schemas.worker import Behavior

SQL: Final = index.SQL

_BY_NAME: Final = frozenset({WorkerSort.DEFAULT, WorkerSort.NAME})


async def page(context: Context, entity: Entity, query: WorkerQuery) -> WorkerPage:
    """A page of any list; a long one from the worker index, at most one version old."""
    labelled = None
    if query.by_label:
        labelled = await worker_labels.labelled(
            context.database, entity, tags=query.tags, group=query.group
        )
    if await _is_large(context, entity):
        snapshot = await context.worker_index.newest()
        return await _ranked(context, entity, query, labelled, snapshot)
    return await workers.page(context.database, entity, query, labelled)


async def _is_large(context: Context, entity: Entity) -> bool:
    count: int = await context.database.fetch_value(SQL["size"], entity.id)
    return count > context.config.worker_index.from_workers


async def _ranked(
    context: Context,
    entity: Entity,
    query: WorkerQuery,
    labelled: Collection[int] | None,
    snapshot: index.Snapshot,
) -> WorkerPage:
    column = SCOPES[entity.kind]
    miner_ids = await index.miners_of(context.database, column=column, entity_id=entity.id)
    behaviors = set(query.behaviors or Behavior)
    boundary = None if len(behaviors) == len(Behavior) else Behavior.BOUNDARY in behaviors
    named = None
    if query.search or query.sort in _BY_NAME:
        named = await context.worker_index.named(snapshot)

    def positions() -> tuple[list[int], int]:
        found = index.select(
            snapshot,
            miner_ids=miner_ids,
            statuses=query.statuses or VISIBLE,
            boundary=boundary,
            named=named.holding(query.search) if named and query.search else None,
            among=labelled,
        )
        keys = named.keys if named and query.sort in _BY_NAME else snapshot.keys
        page = index.page_of(
            keys[query.sort.value][found],
            descending=query.direction is Direction.DESC,
            limit=query.limit,
            offset=query.offset,
        )
        return snapshot.worker_id[found[page]].tolist(), len(found)

    # In a thread: 20 ms of numpy would hold all other requests up.
    ids, total_count = await asyncio.to_thread(positions)
    rows = await workers.by_id(context.database, ids)
    return WorkerPage(rows, total_count, snapshot.version)
