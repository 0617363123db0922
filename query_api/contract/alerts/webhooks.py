"""Shapes of webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339_or_none
from query_api.store.alerts.webhooks import DeliveryStatus


class Webhook(Shape):
    id: UUID
    url: str
    enabled: bool
    created_at: datetime
    previous_secret_until: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["id"]),
            "url": row["url"],
            "enabled": row["enabled"],
            "created_at": rfc3339_or_none(row["created_at"]),
            "previous_secret_until": rfc3339_or_none(row["previous_secret_until"]),
        }


class WebhookWithSecret(Webhook):
    secret: Annotated[str, Field(description="Shown once.")]


class WebhookList(Shape):
    data: list[Webhook]


class WebhookTest(Shape):
    event_id: Annotated[UUID, Field(description="Of the delivery that will be listed.")]


class Delivery(Shape):
    id: UUID
    event_id: UUID
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["id"]),
            "event_id": str(row["event_id"]),
            "status": row["status"],
            "attempts": row["attempts"],
            "next_attempt_at": rfc3339_or_none(row["next_attempt_at"]),
            "last_error": row["last_error"],
            "created_at": rfc3339_or_none(row["created_at"]),
            "finished_at": rfc3339_or_none(row["finished_at"]),
        }


class DeliveryList(Page):
    data: list[Delivery]
