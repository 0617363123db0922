"""Watcher links of a miner, and what a link opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from query_api.access import entity_for
from query_api.auth.rights import Action
from query_api.bodies import NewWatcher
from query_api.context import Ctx, Who, anonymous
from query_api.errors import NotFoundError
from query_api.payload import page_of, time_text
from query_api.respond import json_response, no_content
from query_api.routes.params import Limit, Offset, Token
from query_api.store import watchers
from schemas.access import EntityKind

router = APIRouter(tags=["watchers"])
MINER = EntityKind.MINER


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "token": row["token"],
        "title": row["title"],
        "created_at": time_text(row["created_at"]),
        "extra_permissions": list(row["extra_permissions"]),
    }


@router.get("/miners/{miner_id}/watchers")
async def list_watchers(
    context: Ctx, caller: Who, miner_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The miner's watcher links, newest first."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    rows, total = await watchers.page(context.database, miner.id, limit=limit, offset=offset)
    items = [_item(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/miners/{miner_id}/watchers", status_code=201)
async def create_watcher(context: Ctx, caller: Who, miner_id: UUID, body: NewWatcher) -> Response:
    """A new watcher link; a title is made up where none is given."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    row = await watchers.create(
        context.database, miner.id, title=body.title, extra_permissions=body.extra_permissions
    )
    return json_response(_item(row), 201)


@router.delete("/miners/{miner_id}/watchers/{watcher_id}", status_code=204)
async def revoke_watcher(context: Ctx, caller: Who, miner_id: UUID, watcher_id: UUID) -> Response:
    """Revoke a watcher link, at once."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    if not await watchers.revoke(context.database, miner.id, watcher_id):
        raise NotFoundError("no such watcher")
    return no_content()


@router.get("/watchers/{watcher_token}/permissions", dependencies=[Depends(anonymous)])
async def watcher_permissions(context: Ctx, watcher_token: Token) -> Response:
    """What a watcher token opens."""
    row = await watchers.permissions(context.database, watcher_token)
    if row is None:
        raise NotFoundError("no such watcher token")
    access = ["section_workers_read"]
    if "accountant" in row["extra_permissions"]:
        access.append("section_payments_read")
    return json_response(
        {
            "id": str(row["uid"]),
            "type": "miner",
            "account_name": row["account_name"],
            "access": access,
        }
    )
