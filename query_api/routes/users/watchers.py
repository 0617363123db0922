"""Watcher links of a miner, and what a link opens."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.people import Watcher, WatcherList, WatcherPermission, WatcherPermissions
from query_api.contract.requests import NewWatcher
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import page_of
from query_api.dependencies import Ctx, Who, anonymous
from query_api.http.errors import NotFoundError
from query_api.http.forms import json_of_any_type, optional_json
from query_api.http.responses import json_response, no_content
from query_api.routes.params import Limit, Offset, Token
from query_api.store.people import watchers
from schemas.access import EntityKind

router = APIRouter(tags=["watchers"])
MINER = EntityKind.MINER


@router.get("/miners/{miner_id}/watchers", response_model=WatcherList)
async def list_watchers(
    context: Ctx, caller: Who, miner_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """The miner's watcher links, newest first."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    rows, total = await watchers.page(
        context.database, miner.id, limit=limit, offset=offset, seal=context.seal
    )
    items = [Watcher.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post(
    "/miners/{miner_id}/watchers",
    response_model=Watcher,
    responses=CONFLICT,
    openapi_extra=optional_json(NewWatcher),
)
async def create_watcher(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    body: Annotated[NewWatcher, Depends(json_of_any_type(NewWatcher))],
) -> Response:
    """A new watcher link. Without a title it is called after its miner."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    row = await watchers.create(
        context.database,
        miner.id,
        title=body.title or None,
        extra_permissions=body.extra_permissions,
        at_most=context.config.people.watchers_per_miner,
        seal=context.seal,
    )
    return json_response(Watcher.from_row(row))


@router.delete("/miners/{miner_id}/watchers/{watcher_id}", status_code=204)
async def revoke_watcher(context: Ctx, caller: Who, miner_id: UUID, watcher_id: UUID) -> Response:
    """Revoke a watcher link, at once."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    if not await watchers.revoke(context.database, miner.id, watcher_id):
        raise NotFoundError("no such watcher")
    return no_content()


@router.get(
    "/watchers/{watcher_token}/permissions",
    dependencies=[Depends(anonymous)],
    response_model=WatcherPermissions,
)
async def watcher_permissions(context: Ctx, watcher_token: Token) -> Response:
    """What a watcher token opens."""
    row = await watchers.permissions(context.database, watcher_token)
    if row is None:
        raise NotFoundError("no such watcher token")
    return json_response({"permissions": [WatcherPermission.from_row(row)]})
