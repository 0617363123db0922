"""Webhooks of a miner: addresses, secrets, what failed, and how patient alerts are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.access import entity_for
from query_api.addresses import check_webhook_url
from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.bodies import Alerts, ChangedWebhook, NewWebhook
from query_api.context import Context, Ctx, Who
from query_api.errors import NotFoundError
from query_api.payload import page_of, time_text
from query_api.respond import json_response, no_content
from query_api.routes.params import Limit, Offset
from query_api.store import webhooks
from query_api.store.entities import Entity
from query_api.store.webhooks import DeliveryStatus
from schemas.access import EntityKind

router = APIRouter(prefix="/miners/{miner_id}", tags=["alerts"])


async def _miner(context: Context, caller: Caller, uid: UUID) -> Entity:
    return await entity_for(context, caller, kind=EntityKind.MINER, uid=uid, action=Action.CHANGE)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "url": row["url"],
        "enabled": row["enabled"],
        "created_at": time_text(row["created_at"]),
        "previous_secret_until": time_text(row["previous_secret_until"]),
    }


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "event_id": str(row["event_id"]),
        "status": row["status"],
        "attempts": row["attempts"],
        "next_attempt_at": time_text(row["next_attempt_at"]),
        "last_error": row["last_error"],
        "created_at": time_text(row["created_at"]),
        "finished_at": time_text(row["finished_at"]),
    }


@router.get("/webhooks")
async def list_webhooks(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """The miner's webhooks, without their secrets."""
    miner = await _miner(context, caller, miner_id)
    rows = await webhooks.of_miner(context.database, miner.id)
    return json_response({"data": [_item(row) for row in rows]})


@router.post("/webhooks", status_code=201)
async def create_webhook(context: Ctx, caller: Who, miner_id: UUID, body: NewWebhook) -> Response:
    """Add a webhook. The answer holds its secret, which is never shown again."""
    miner = await _miner(context, caller, miner_id)
    check_webhook_url(body.url, allow_private=context.config.allow_private_webhooks)
    row, secret = await webhooks.create(context.database, miner.id, url=body.url)
    return json_response(_item(row) | {"secret": secret}, 201)


@router.patch("/webhooks/{webhook_id}")
async def change_webhook(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID, body: ChangedWebhook
) -> Response:
    """Change a webhook's address, or switch it off and on."""
    miner = await _miner(context, caller, miner_id)
    if body.url is not None:
        check_webhook_url(body.url, allow_private=context.config.allow_private_webhooks)
    row = await webhooks.change(
        context.database, miner.id, webhook_id, url=body.url, enabled=body.enabled
    )
    if row is None:
        raise NotFoundError("no such webhook")
    return json_response(_item(row))


@router.delete("/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID) -> Response:
    """Remove a webhook and its deliveries."""
    miner = await _miner(context, caller, miner_id)
    if not await webhooks.delete(context.database, miner.id, webhook_id):
        raise NotFoundError("no such webhook")
    return no_content()


@router.post("/webhooks/{webhook_id}/rotate")
async def rotate_webhook_secret(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID
) -> Response:
    """A new secret; for a day messages are signed with both, so that none is refused."""
    miner = await _miner(context, caller, miner_id)
    rotated = await webhooks.rotate(context.database, miner.id, webhook_id)
    if rotated is None:
        raise NotFoundError("no such webhook")
    row, secret = rotated
    return json_response(_item(row) | {"secret": secret})


@router.get("/webhooks/{webhook_id}/deliveries")
async def list_deliveries(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    webhook_id: UUID,
    status: Annotated[
        list[DeliveryStatus] | None, Query(description="Repeated; none: all.")
    ] = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """What was and is to be delivered, newest first; `status=failed` lists what was given up."""
    miner = await _miner(context, caller, miner_id)
    if await webhooks.find(context.database, miner.id, webhook_id) is None:
        raise NotFoundError("no such webhook")
    rows, total_count = await webhooks.deliveries(
        context.database, webhook_id, statuses=status or (), limit=limit, offset=offset
    )
    items = [_delivery(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total_count))


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/retry")
async def retry_delivery(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID, delivery_id: UUID
) -> Response:
    """Deliver once more, at once and under the same event id."""
    miner = await _miner(context, caller, miner_id)
    if await webhooks.find(context.database, miner.id, webhook_id) is None:
        raise NotFoundError("no such webhook")
    row = await webhooks.retry(context.database, webhook_id, delivery_id)
    if row is None:
        raise NotFoundError("no such delivery")
    return json_response(_delivery(row))


@router.put("/alerts")
async def set_alerts(context: Ctx, caller: Who, miner_id: UUID, body: Alerts) -> Response:
    """How patient alerts are, and quiet until a time for maintenance."""
    miner = await _miner(context, caller, miner_id)
    await webhooks.set_alerts(
        context.database, miner.id, delay_s=body.delay_seconds, muted_until=body.muted_until
    )
    return json_response(
        {"delay_seconds": body.delay_seconds, "muted_until": time_text(body.muted_until)}
    )
