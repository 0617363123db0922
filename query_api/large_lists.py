"""Pages of lists with very many workers, by the ranking; the rest is left to SQL."""

from __future__ import annotations

import asyncio
from typing import Final

from query_api import ranking
from query_api.context import Context
from query_api.store import workers
from query_api.store.entities import Entity
from query_api.store.workers import SCOPES, VISIBLE, Direction, WorkerPage, WorkerQuery, WorkerSort
from schemas.worker import Behavior

SQL: Final = ranking.SQL

_BY_NAME: Final = frozenset({WorkerSort.DEFAULT, WorkerSort.NAME})


async def page(context: Context, entity: Entity, query: WorkerQuery) -> WorkerPage:
    """A page of any list; from the ranking, which is one beat old at the most, where it is long."""
    if await _is_large(context, entity):
        return await _ranked(context, entity, query, await context.ranking.newest())
    return await workers.page(context.database, entity, query)


async def _is_large(context: Context, entity: Entity) -> bool:
    count: int = await context.database.fetch_value(SQL["size"], entity.id)
    return count > context.config.ranking.from_workers


async def _ranked(
    context: Context, entity: Entity, query: WorkerQuery, snapshot: ranking.Snapshot
) -> WorkerPage:
    column = SCOPES[entity.kind]
    miner_ids = await ranking.miners_of(context.database, column=column, entity_id=entity.id)
    behaviors = set(query.behaviors or Behavior)
    boundary = None if len(behaviors) == len(Behavior) else Behavior.BOUNDARY in behaviors
    named = None
    if query.search or query.sort in _BY_NAME:
        named = await context.ranking.named(snapshot)

    def positions() -> tuple[list[int], int]:
        found = ranking.select(
            snapshot,
            miner_ids=miner_ids,
            statuses=query.statuses or VISIBLE,
            boundary=boundary,
            named=named.holding(query.search) if named and query.search else None,
        )
        keys = named.keys if named and query.sort in _BY_NAME else snapshot.keys
        page = ranking.page_of(
            keys[query.sort.value][found],
            descending=query.direction is Direction.DESC,
            limit=query.limit,
            offset=query.offset,
        )
        return snapshot.worker_id[found[page]].tolist(), len(found)

    # In a thread: 20 ms of numpy would hold all other requests up.
    ids, total_count = await asyncio.to_thread(positions)
    rows = await workers.by_id(context.database, ids)
    return WorkerPage(rows, total_count, snapshot.beat)
