"""Connecting a user's Telegram chat: an invite code for the bot, and the chat it opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Response

from query_api.context import Context, Ctx
from query_api.errors import NotFoundError
from query_api.payload import time_text
from query_api.respond import json_response, no_content
from query_api.routes.users import Self
from query_api.store import notifications

router = APIRouter(prefix="/users/{user_id}/telegram", tags=["users"])


def _bot(context: Context) -> dict[str, str]:
    telegram = context.config.telegram
    return {"username": telegram.username, "first_name": telegram.first_name}


def _invite(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    times = ("valid_until", "created_at", "activated_at")
    invite = {"code": row["code"]} | {name: time_text(row[name]) for name in times}
    return {"bot": _bot(context), "invite": invite}


@router.post("/invite", status_code=201)
async def create_invite(context: Ctx, user_id: Self) -> Response:
    """A code that the user sends to the bot to connect the chat."""
    valid_s = context.config.telegram.invite_valid_s
    row = await notifications.create_invite(context.database, user_id, valid_s=valid_s)
    return json_response(_invite(context, row), 201)


@router.get("/invite")
async def newest_invite(context: Ctx, user_id: Self) -> Response:
    """The newest invite; `activated_at` says when the bot took it."""
    row = await notifications.newest_invite(context.database, user_id)
    if row is None:
        raise NotFoundError("no invite was made")
    return json_response(_invite(context, row))


@router.get("/chat")
async def connected_chat(context: Ctx, user_id: Self) -> Response:
    """The chat that is connected."""
    row = await notifications.chat(context.database, user_id)
    if row is None:
        raise NotFoundError("no chat is connected")
    chat = {"id": row["chat_id"], "user": orjson.loads(row["chat_user"])}
    return json_response({"bot": _bot(context), "chat": chat})


@router.delete("/chat", status_code=204)
async def disconnect_chat(context: Ctx, user_id: Self) -> Response:
    """Disconnect the chat: no more messages there."""
    if not await notifications.drop_chat(context.database, user_id):
        raise NotFoundError("no chat is connected")
    return no_content()
