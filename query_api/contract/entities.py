"""Shapes of miners, operators and pools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from query_api.contract.figures import WorkersSummary, decimal_number
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339_or_none


class AlertSettings(Shape):
    delay_seconds: int
    muted_until: datetime | None


class Contract(Shape):
    """Who a miner pays a fee to, and the fee in force: 0.01 is 1 %."""

    id: UUID
    current_plan: Annotated[float, Field(ge=0, le=1, examples=[0.009])]

    @classmethod
    def of(cls, uid: UUID, fee: Decimal | None) -> JsonObject:
        return {"id": str(uid), "current_plan": decimal_number(fee or 0)}


def _wallets(row: Mapping[str, Any]) -> list[str]:
    """The one wallet that each has from its creation."""
    return [] if row["wallet"] is None else [str(row["wallet"])]


class Owner(Shape):
    id: UUID
    status: str
    registered_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject | None:
        if row["owner_uid"] is None:
            return None
        return {
            "id": str(row["owner_uid"]),
            "status": row["owner_status"],
            "registered_at": rfc3339_or_none(row["registered_at"]),
        }


class Miner(Shape):
    id: UUID
    account_name: str
    title: str | None
    status: str
    wallets: list[UUID]
    pool: Contract
    operator: Contract | None
    owner: Owner | None
    created_at: datetime
    workers: WorkersSummary
    alerts: AlertSettings

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        operator = row["operator_uid"]
        return {
            "id": str(row["uid"]),
            "account_name": row["account_name"],
            "title": row["title"],
            "status": row["status"],
            "wallets": _wallets(row),
            "pool": Contract.of(row["pool_uid"], row["pool_fee"]),
            "operator": None if operator is None else Contract.of(operator, row["operator_fee"]),
            "owner": Owner.from_row(row),
            "created_at": rfc3339_or_none(row["seen_from"]),
            "workers": WorkersSummary.of(row["statuses"]),
            "alerts": {
                "delay_seconds": row["alert_delay_s"],
                "muted_until": rfc3339_or_none(row["muted_until"]),
            },
        }


class MinerList(Page):
    data: list[Miner]


class OperatorSettings(Shape):
    default_pool_fee_for_customer: float


class Count(Shape):
    count: int


class Operator(Shape):
    id: UUID
    title: str
    status: str
    wallets: list[UUID]
    owner: Owner | None
    settings: OperatorSettings
    miners: Count
    workers: WorkersSummary

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["uid"]),
            "title": row["title"],
            "status": row["status"],
            "wallets": _wallets(row),
            "owner": Owner.from_row(row),
            "settings": {"default_pool_fee_for_customer": decimal_number(row["default_pool_fee"])},
            "miners": {"count": row["miners"]},
            "workers": WorkersSummary.of(row["statuses"]),
        }


class OperatorList(Page):
    data: list[Operator]


class PoolSettings(Shape):
    default_language: str
    available_languages: list[str]


class PublicPool(Shape):
    """What anybody may know of a pool."""

    id: UUID
    status: str
    title: str
    public_page: Annotated[bool, Field(description="Whether `/public/pools/{pool_id}` is open.")]
    settings: PoolSettings

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["uid"]),
            "status": row["status"],
            "title": row["title"],
            "public_page": row["public_page"],
            "settings": {
                "default_language": row["default_language"],
                "available_languages": list(row["available_languages"]),
            },
        }


class Pool(PublicPool):
    wallets: list[UUID]
    workers: WorkersSummary

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        summary = WorkersSummary.of(row["statuses"])
        return PublicPool.from_row(row) | {"wallets": _wallets(row), "workers": summary}


class Health(Shape):
    status: str
