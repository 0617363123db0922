"""Tags, groups and notes of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from query_api.contract.worker_labels import TAGS_MAX, ChangedLabels
from query_api.database import Database, Row
from query_api.http.errors import ConflictError, NotFoundError
from query_api.store.entities import Entity
from query_api.store.locks import lock_miner
from query_api.store.workers import SCOPES
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/worker_labels.sql")


def _sql(name: str, entity: Entity) -> str:
    return SQL[name].replace("{scope}", SCOPES[entity.kind])


async def of_workers(database: Database, worker_ids: Sequence[int]) -> Mapping[int, Row]:
    """Worker id → its labels; nothing for a worker without any."""
    rows = await database.fetch(SQL["labels_of"], list(worker_ids))
    return {row["worker_id"]: row for row in rows}


async def labelled(
    database: Database, entity: Entity, *, tags: Sequence[str], group: str | None
) -> list[int]:
    """Ids of an entity's workers that have all of the tags and are in the group, if one is
    named."""
    rows = await database.fetch(_sql("labelled", entity), entity.id, list(tags), group)
    return [row["worker_id"] for row in rows]


async def counts(database: Database, entity: Entity) -> Sequence[Row]:
    """`kind` (tag, group), `name` and `workers` of each label in use."""
    return await database.fetch(_sql("label_counts", entity), entity.id)


async def change(
    database: Database, entity: Entity, wanted: ChangedLabels
) -> dict[UUID, Row | None]:
    """The new labels by uid, of all of the workers or none: NotFoundError for one that is not the
    entity's, ConflictError for one that would have too many tags."""
    uids = list(dict.fromkeys(wanted.worker_ids))
    async with database.transaction() as connection:
        rows = await connection.fetch(_sql("in_scope", entity), entity.id, uids)
        ids = {row["uid"]: row["id"] for row in rows}
        for uid in uids:
            if uid not in ids:
                raise NotFoundError(f"body worker_ids: no worker {uid} here")
        worker_ids = list(ids.values())
        await lock_miner(connection, *{row["miner_id"] for row in rows})
        try:
            await connection.execute(
                SQL["change_labels"],
                *(worker_ids, wanted.add_tags or [], wanted.remove_tags or []),
                *("group" in wanted.model_fields_set, wanted.group),
                *("note" in wanted.model_fields_set, wanted.note),
            )
        except asyncpg.CheckViolationError as error:
            raise ConflictError(f"a worker has at most {TAGS_MAX} tags") from error
        changed = await connection.fetch(SQL["labels_of"], worker_ids)
    labels = {row["worker_id"]: row for row in changed}
    return {uid: labels.get(ids[uid]) for uid in uids}
