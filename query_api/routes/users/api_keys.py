"""A user's API keys: made, listed, revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import Field

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.requests import Body, Title
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import JsonObject, Shape
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.http.timestamps import rfc3339
from query_api.routes.users.subject import Self, SignedInSelf
from query_api.store.people import keys
from schemas.access import EntityKind, Role

router = APIRouter(prefix="/users/{user_id}/api-keys", tags=["api keys"])
KeyRole = Literal[Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT, Role.TREASURER]


class KeyEntity(Body):
    type: EntityKind
    id: UUID


class NewKey(Body):
    """A key opens at most what its user may do. `role` and `entities` narrow that down; a limited
    key does nothing in the user's own name (preferences, keys, invitations)."""

    title: Title
    role: KeyRole | None = None
    entities: Annotated[
        list[KeyEntity] | None,
        Field(min_length=1, max_length=100, description="Nothing beside these is opened."),
    ] = None


class ApiKey(Shape):
    id: UUID
    title: str
    role: KeyRole | None
    entities: list[KeyEntity] | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["id"]),
            "title": row["title"],
            "role": row["role"],
            "entities": None if row["entity_ids"] is None else orjson.loads(row["entities"]),
            "created_at": rfc3339(row["created_at"]),
        }


class ApiKeyList(Shape):
    data: list[ApiKey]


class ShownKey(Shape):
    id: UUID
    key: Annotated[str, Field(description="Shown once. Send it as `Authorization: Bearer`.")]


@router.get("", response_model=ApiKeyList)
async def list_api_keys(context: Ctx, user_id: Self) -> Response:
    """The user's keys in force, the oldest first; not the keys themselves."""
    rows = await keys.in_force(context.database, user_id)
    return json_response({"data": [ApiKey.from_row(row) for row in rows]})


@router.post("", response_model=ShownKey, responses=CONFLICT)
async def create_api_key(
    context: Ctx, caller: Who, user_id: SignedInSelf, body: NewKey
) -> Response:
    """A new key. Only a person who has signed in makes keys, no other key does."""
    entity_ids = None if body.entities is None else await _ids(context, caller, body.entities)
    key_id, key = await keys.create(
        context.database,
        user_id,
        title=body.title,
        role=body.role,
        entity_ids=entity_ids,
        at_most=context.config.people.keys_per_user,
    )
    return json_response({"id": str(key_id), "key": key})


async def _ids(context: Context, caller: Caller, entities: Sequence[KeyEntity]) -> list[int]:
    """Inner ids of what the caller may see."""
    found: dict[int, None] = {}
    for entity in entities:
        seen = await entity_for(
            context, caller, kind=entity.type, uid=entity.id, action=Action.READ_ENTITY
        )
        found[seen.id] = None
    return list(found)


@router.delete("/{key_id}", status_code=204)
async def revoke_api_key(context: Ctx, user_id: SignedInSelf, key_id: UUID) -> Response:
    """Revoke a key; it opens nothing more within seconds."""
    if not await keys.revoke(context.database, user_id, key_id):
        raise NotFoundError("no such key")
    context.authenticator.forget_users()
    return no_content()
