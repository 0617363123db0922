"""Connecting a user's Telegram chat: an invite code for the bot, and the chat it opened."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Response

from query_api.contract.people import Invite, TelegramChat, TelegramInvite
from query_api.contract.responses import CONFLICT
from query_api.dependencies import Context, Ctx
from query_api.http.errors import ConflictError, NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.http.timestamps import rfc3339_or_none
from query_api.routes.users.subject import Self
from query_api.store.alerts import notifications

router = APIRouter(prefix="/users/{user_id}/telegram", tags=["users"])


async def _bot(context: Context) -> dict[str, str] | None:
    row = await notifications.bot(context.database)
    return None if row is None else {"username": row["username"], "first_name": row["first_name"]}


@router.post("/invite", response_model=TelegramInvite, responses=CONFLICT)
async def create_invite(context: Ctx, user_id: Self) -> Response:
    """A code that the user sends to the bot to connect the chat."""
    bot = await _bot(context)
    if bot is None:
        raise ConflictError("no Telegram bot is set up, or it has not started yet")
    valid_s = context.config.telegram.invite_valid_s
    row = await notifications.create_invite(
        context.database, user_id, valid_s=valid_s, seal=context.seal
    )
    return json_response({"bot": bot, "invite": Invite.from_row(row)})


@router.get("/invite", response_model=TelegramInvite)
async def newest_invite(context: Ctx, user_id: Self) -> Response:
    """The newest invite; `activated_at` says when the bot took it."""
    row = await notifications.newest_invite(context.database, user_id, seal=context.seal)
    if row is None:
        raise NotFoundError("no invite was made")
    return json_response({"bot": await _bot(context), "invite": Invite.from_row(row)})


@router.get("/chat", response_model=TelegramChat)
async def connected_chat(context: Ctx, user_id: Self) -> Response:
    """The chat that is connected; 404 says why Telegram ended the last connection, if it did."""
    row = await notifications.chat(context.database, user_id)
    if row is None:
        ended = await notifications.disconnection(context.database, user_id)
        if ended is None:
            raise NotFoundError("no chat is connected")
        at = rfc3339_or_none(ended["disconnected_at"])
        raise NotFoundError(f"no chat is connected: since {at} Telegram says {ended['reason']!r}")
    chat = {"id": row["chat_id"], "user": orjson.loads(row["chat_user"])}
    return json_response({"bot": await _bot(context), "chat": chat})


@router.delete("/chat", status_code=204)
async def disconnect_chat(context: Ctx, user_id: Self) -> Response:
    """Disconnect the chat: no more messages there."""
    if not await notifications.drop_chat(context.database, user_id):
        raise NotFoundError("no chat is connected")
    return no_content()
