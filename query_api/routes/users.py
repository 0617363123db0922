"""The caller, and what belongs to a user: bookmarks, preferences, the Telegram chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from query_api.auth.caller import Caller, CallerKind
from query_api.bodies import Bookmark, Notifications
from query_api.context import Context, Ctx, Who
from query_api.errors import ForbiddenError, NotFoundError
from query_api.payload import time_text
from query_api.respond import json_response, no_content
from query_api.routes.params import Token
from query_api.store import notifications, users, watchers
from schemas.worker import EventKind

router = APIRouter(tags=["users"])


async def _self(context: Ctx, caller: Who, user_id: UUID) -> UUID:
    """Users have to do with themselves alone; the pool's services with all of them."""
    if caller.kind is not CallerKind.INTERNAL and caller.user_uid != user_id:
        raise ForbiddenError("you have no right to this")
    if await users.find(context.database, user_id) is None:
        raise NotFoundError("no such user")
    return user_id


Self = Annotated[UUID, Depends(_self)]


@router.get("/user")
async def current_user(context: Ctx, caller: Who) -> Response:
    """The caller and its permissions. `user` is null for an internal key and a watcher link."""
    user = None
    if caller.user_uid is not None:
        row = await users.find(context.database, caller.user_uid)
        assert row is not None  # welcomed when it was authenticated
        user = {"id": str(row["uid"]), "status": row["status"], "language": row["language"]}
    return json_response({"user": user, "permissions": await _permissions(context, caller)})


async def _permissions(context: Context, caller: Caller) -> list[dict[str, Any]]:
    if caller.user_uid is not None:
        rows = await users.permissions(context.database, caller.user_uid)
    elif caller.miner_id is not None:
        rows = await users.watched_miner(context.database, caller.miner_id)
    else:
        rows = await users.internal_permissions(context.database)
    return [
        {
            "type": row["type"],
            "id": str(row["uid"]),
            "account_name": row["account_name"],
            "roles": list(row["roles"]),
        }
        for row in rows
    ]


def _bookmark(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "token": row["token"],
        "title": row["title"],
        "miner": {
            "id": str(row["miner_uid"]),
            "account_name": row["account_name"],
            "title": row["miner_title"],
        },
        "created_at": time_text(row["created_at"]),
    }


@router.get("/users/{user_id}/watchers")
async def list_bookmarks(context: Ctx, user_id: Self) -> Response:
    """The watcher links that the user bookmarked, without those revoked since."""
    rows = await watchers.bookmarks(context.database, user_id)
    return json_response({"data": [_bookmark(row) for row in rows]})


@router.post("/users/{user_id}/watchers", status_code=201)
async def add_bookmark(context: Ctx, user_id: Self, body: Bookmark) -> Response:
    """Bookmark a watcher link."""
    if not await watchers.add_bookmark(context.database, user_id, body.token):
        raise NotFoundError("body token: no such watcher token")
    rows = await watchers.bookmarks(context.database, user_id)
    row = next(row for row in rows if row["token"] == body.token)
    return json_response(_bookmark(row), 201)


@router.delete("/users/{user_id}/watchers/{token}", status_code=204)
async def drop_bookmark(context: Ctx, user_id: Self, token: Token) -> Response:
    """Forget a watcher link."""
    if not await watchers.drop_bookmark(context.database, user_id, token):
        raise NotFoundError("no such bookmark")
    return no_content()


async def _preferences(context: Context, user_id: UUID) -> Response:
    rows = await notifications.preferences(context.database, user_id)
    chosen = {(row["channel"], row["kind"]): row["enabled"] for row in rows}
    kind = EventKind.STATUS_CHANGED.value
    telegram = {"enabled": chosen.get(("telegram", kind), False), "readonly": False}
    return json_response({"email": {}, "telegram": {kind: telegram}})


@router.get("/users/{user_id}/notifications")
async def notification_preferences(context: Ctx, user_id: Self) -> Response:
    """What the user is told, and where."""
    return await _preferences(context, user_id)


@router.patch("/users/{user_id}/notifications")
async def change_notifications(context: Ctx, user_id: Self, body: Notifications) -> Response:
    """Switch kinds of message on and off; what is not named stays as it is."""
    switch = None if body.telegram is None else body.telegram.worker_status_changed
    if switch is not None:
        await notifications.set_preference(
            context.database,
            user_id,
            channel="telegram",
            kind=EventKind.STATUS_CHANGED.value,
            enabled=switch.enabled,
        )
    return await _preferences(context, user_id)
