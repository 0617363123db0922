"""What a user is notified of, and where: the switches of `schemas.messages.notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Response

from query_api.contract.people import Preferences
from query_api.contract.requests import Notifications, Switch
from query_api.dependencies import Context, Ctx
from query_api.http.errors import InvalidInputError
from query_api.http.responses import json_response
from query_api.routes.users.subject import Self
from query_api.store.alerts import notifications
from schemas.messages.notifications import PREFERENCES, Channel

router = APIRouter(tags=["users"])


async def _preferences(context: Context, user_id: UUID) -> Response:
    rows = await notifications.preferences(context.database, user_id)
    chosen = {(row["channel"], row["kind"]): row["enabled"] for row in rows}
    answer: dict[str, dict[str, dict[str, bool]]] = {channel.value: {} for channel in Channel}
    for preference in PREFERENCES:
        channel, key = preference.channel.value, preference.key
        enabled = chosen.get((channel, key), preference.default)
        answer[channel][key] = {"enabled": enabled, "readonly": False}
    return json_response(answer)


@router.get("/users/{user_id}/notifications", response_model=Preferences)
async def notification_preferences(context: Ctx, user_id: Self) -> Response:
    """The user's switches. Changes of workers come by email as a digest."""
    return await _preferences(context, user_id)


@router.patch("/users/{user_id}/notifications", response_model=Preferences)
@router.put(
    "/users/{user_id}/notifications",
    response_model=Preferences,
    operation_id="replace_notifications",
)
async def change_notifications(context: Ctx, user_id: Self, body: Notifications) -> Response:
    """Switch kinds of message on and off; what is not named stays as it is."""
    changes = [
        *_changes(Channel.EMAIL, body.email or {}),
        *_changes(Channel.TELEGRAM, body.telegram or {}),
    ]
    await notifications.set_preferences(context.database, user_id, changes)
    return await _preferences(context, user_id)


def _changes(channel: Channel, switches: Mapping[str, Switch]) -> list[tuple[str, str, bool]]:
    known = {preference.key for preference in PREFERENCES if preference.channel is channel}
    for key in switches:
        if key not in known:
            raise InvalidInputError(
                f"body {channel}.{key}: no such notification; there are {', '.join(sorted(known))}"
            )
    return [(channel, key, switch.enabled) for key, switch in switches.items()]
