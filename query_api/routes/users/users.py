"""The caller, and what belongs to a user: bookmarks."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller, scope_of
from query_api.contract.invitations import WaitingInvitation
from query_api.contract.people import (
    BookmarkedWatcher,
    BookmarkList,
    Credentials,
    CurrentUser,
    Permission,
    User,
    Verification,
)
from query_api.contract.requests import Bookmark
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.routes.params import Token
from query_api.routes.users.subject import Self
from query_api.store.people import invitations, users, watchers

router = APIRouter(tags=["users"])


@router.get("/user", response_model=CurrentUser)
async def current_user(context: Ctx, caller: Who) -> Response:
    """The caller and its permissions. `user` is null for an internal key and a watcher link.

    A limited key shows what it opens, which is at most what its user may do."""
    answer: dict[str, Any] = {
        "user": None,
        "verification": {},
        "credentials": None,
        "permissions": await _permissions(context, caller),
        "invitations": [],
    }
    if caller.user_uid is not None:
        row = await users.find(context.database, caller.user_uid)
        assert row is not None  # welcomed when it was authenticated
        factors = await context.kratos_admin.second_factors(caller.user_uid)
        answer["user"] = User.from_row(row)
        answer["verification"] = Verification.of(
            caller.user_uid, context.config.people.intercom_secret
        )
        answer["credentials"] = Credentials.of(factors)
    if caller.session and caller.email is not None:
        rows = await invitations.waiting_for(context.database, caller.email)
        answer["invitations"] = [WaitingInvitation.from_row(row) for row in rows]
    return json_response(answer)


async def _permissions(context: Context, caller: Caller) -> list[dict[str, Any]]:
    if caller.limit is not None:
        rows = await users.named_entities(context.database, list(caller.limit))
        return [
            Permission.of(row, roles)
            for row in rows
            if (roles := caller.shown_roles(row["id"], scope_of(row)))
        ]
    if caller.user_uid is not None:
        rows = await users.permissions(context.database, caller.user_uid)
    elif caller.miner_id is not None:
        rows = await users.watched_miner(context.database, caller.miner_id)
    else:
        rows = await users.internal_permissions(context.database)
        return [Permission.platform(), *map(Permission.from_row, rows)]
    return [Permission.from_row(row) for row in rows]


@router.get("/users/{user_id}/watchers", response_model=BookmarkList)
async def list_bookmarks(context: Ctx, user_id: Self) -> Response:
    """The watcher links that the user bookmarked; those revoked since are not active."""
    rows = await watchers.bookmarks(context.database, user_id, seal=context.seal)
    return json_response({"data": [BookmarkedWatcher.from_row(row) for row in rows]})


@router.post("/users/{user_id}/watchers", response_model=BookmarkedWatcher)
async def add_bookmark(context: Ctx, user_id: Self, body: Bookmark) -> Response:
    """Bookmark a watcher link."""
    if not await watchers.add_bookmark(context.database, user_id, body.token):
        raise NotFoundError("body token: no such watcher token")
    rows = await watchers.bookmarks(context.database, user_id, seal=context.seal)
    row = next(row for row in rows if row["token"] == body.token)
    return json_response(BookmarkedWatcher.from_row(row))


@router.delete("/users/{user_id}/watchers/{token}", status_code=204)
async def drop_bookmark(context: Ctx, user_id: Self, token: Token) -> Response:
    """Forget a watcher link."""
    if not await watchers.drop_bookmark(context.database, user_id, token):
        raise NotFoundError("no such bookmark")
    return no_content()
