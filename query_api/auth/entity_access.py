"""From a uid in the path to the entity, for callers with the right to it."""

from __future__ import annotations

from uuid import UUID

from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.dependencies import Context
from query_api.store import entities
from query_api.store.entities import Entity
from schemas.access import EntityKind


async def entity_for(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, action: Action
) -> Entity:
    """The pool, operator or miner; 404 or 403 as `Caller.refuse_missing` says."""
    entity = await entities.find(context.database, kind, uid)
    if entity is None:
        caller.refuse_missing(kind.value)
    caller.require(action, entity.scope)
    return entity
