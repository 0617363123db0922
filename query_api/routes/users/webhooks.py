"""Webhooks of a miner: addresses, secrets, what failed, and how patient alerts are."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.alerts.webhooks import (
    Delivery,
    DeliveryList,
    Webhook,
    WebhookList,
    WebhookTest,
    WebhookWithSecret,
)
from query_api.contract.entities import AlertSettings
from query_api.contract.requests import Alerts, ChangedWebhook, NewWebhook
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ConflictError, InvalidInputError, NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.http.timestamps import rfc3339_or_none
from query_api.routes.params import Limit, Offset
from query_api.store.alerts import webhooks
from query_api.store.alerts.webhooks import DeliveryStatus
from query_api.store.entities import Entity
from schemas.access import EntityKind
from schemas.addresses.webhook import ForbiddenAddressError, webhook_address

router = APIRouter(prefix="/miners/{miner_id}", tags=["alerts"])


async def _miner(context: Context, caller: Caller, uid: UUID) -> Entity:
    return await entity_for(context, caller, kind=EntityKind.MINER, uid=uid, action=Action.CHANGE)


def _check(context: Context, url: str) -> None:
    """By the rule that the sender keeps: what is taken here is not refused there."""
    try:
        webhook_address(url, allow_private=context.config.allow_private_webhooks)
    except ForbiddenAddressError as error:
        raise InvalidInputError(f"body url: {error}") from error


@router.get("/webhooks", response_model=WebhookList)
async def list_webhooks(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """The miner's webhooks, without their secrets."""
    miner = await _miner(context, caller, miner_id)
    rows = await webhooks.of_miner(context.database, miner.id)
    return json_response({"data": [Webhook.from_row(row) for row in rows]})


@router.post("/webhooks", response_model=WebhookWithSecret, responses=CONFLICT)
async def create_webhook(context: Ctx, caller: Who, miner_id: UUID, body: NewWebhook) -> Response:
    """Add a webhook. The answer holds its secret, which is never shown again."""
    miner = await _miner(context, caller, miner_id)
    _check(context, body.url)
    row, secret = await webhooks.create(context.database, miner.id, url=body.url, seal=context.seal)
    return json_response(Webhook.from_row(row) | {"secret": secret})


@router.patch("/webhooks/{webhook_id}", response_model=Webhook)
async def change_webhook(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID, body: ChangedWebhook
) -> Response:
    """Change a webhook's address, or switch it off and on."""
    miner = await _miner(context, caller, miner_id)
    if body.url is not None:
        _check(context, body.url)
    row = await webhooks.change(
        context.database, miner.id, webhook_id, url=body.url, enabled=body.enabled
    )
    if row is None:
        raise NotFoundError("no such webhook")
    return json_response(Webhook.from_row(row))


@router.delete("/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID) -> Response:
    """Remove a webhook and its deliveries."""
    miner = await _miner(context, caller, miner_id)
    if not await webhooks.delete(context.database, miner.id, webhook_id):
        raise NotFoundError("no such webhook")
    return no_content()


@router.post("/webhooks/{webhook_id}/rotate", response_model=WebhookWithSecret)
async def rotate_webhook_secret(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID
) -> Response:
    """A new secret; for a day messages are signed with both, so that none is refused."""
    miner = await _miner(context, caller, miner_id)
    rotated = await webhooks.rotate(context.database, miner.id, webhook_id, seal=context.seal)
    if rotated is None:
        raise NotFoundError("no such webhook")
    row, secret = rotated
    return json_response(Webhook.from_row(row) | {"secret": secret})


@router.post("/webhooks/{webhook_id}/test", response_model=WebhookTest, responses=CONFLICT)
async def send_webhook_test(
    context: Ctx, caller: Who, miner_id: UUID, webhook_id: UUID
) -> Response:
    """Send an event of type `webhook.test` to this webhook, on the way that alerts go.

    What becomes of it is among its deliveries a second or two later."""
    miner = await _miner(context, caller, miner_id)
    webhook = await webhooks.find(context.database, miner.id, webhook_id)
    if webhook is None:
        raise NotFoundError("no such webhook")
    if not webhook["enabled"]:
        raise ConflictError("the webhook is switched off")
    event_id = await webhooks.send_test(context.database, miner.id, webhook_id)
    return json_response({"event_id": str(event_id)})


@router.get("/webhooks/{webhook_id}/deliveries", response_model=DeliveryList)
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
    """What was and is to be delivered, newest first; `status=failed` lists what was given up,
    `status=dropped` what was not to be sent: the worker came back within the delay, or the miner
    was muted meanwhile."""
    miner = await _miner(context, caller, miner_id)
    if await webhooks.find(context.database, miner.id, webhook_id) is None:
        raise NotFoundError("no such webhook")
    rows, total_count = await webhooks.deliveries(
        context.database, webhook_id, statuses=status or (), limit=limit, offset=offset
    )
    items = [Delivery.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total_count))


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/retry", response_model=Delivery)
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
    return json_response(Delivery.from_row(row))


@router.put("/alerts", response_model=AlertSettings)
async def set_alerts(context: Ctx, caller: Who, miner_id: UUID, body: Alerts) -> Response:
    """How patient alerts are, and quiet until a time for maintenance."""
    miner = await _miner(context, caller, miner_id)
    await webhooks.set_alerts(
        context.database, miner.id, delay_s=body.delay_seconds, muted_until=body.muted_until
    )
    return json_response(
        {"delay_seconds": body.delay_seconds, "muted_until": rfc3339_or_none(body.muted_until)}
    )
