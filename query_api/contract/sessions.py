"""Shapes of users as the admins of their pool see them: details, sessions, second factors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from query_api.auth.kratos import address_without_port
from query_api.auth.kratos_admin import SecondFactor
from query_api.contract.people import Credentials, Permission
from query_api.contract.requests import Body
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339, rfc3339_or_none
from schemas.access import UserStatus


class PoolUser(Shape):
    id: UUID
    status: UserStatus
    registered_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["uid"]),
            "status": row["status"],
            "registered_at": rfc3339(row["registered_at"]),
        }


class PoolUserList(Page):
    data: list[PoolUser]


class PoolUserDetails(PoolUser):
    language: Literal["en", "ru"]
    credentials: Credentials


class PermissionList(Shape):
    data: list[Permission]


class Device(Shape):
    id: str
    ip_address: str
    user_agent: str
    location: str

    @classmethod
    def of(cls, device: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(device.get("id") or ""),
            "ip_address": address_without_port(device.get("ip_address")),
            "user_agent": str(device.get("user_agent") or ""),
            "location": str(device.get("location") or ""),
        }


class Session(Shape):
    id: UUID
    active: bool
    expires_at: datetime | None
    authenticated_at: datetime | None
    authenticator_assurance_level: str
    issued_at: datetime | None
    devices: list[Device]

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> JsonObject:
        """Of a session as Kratos has it."""
        times = ("expires_at", "authenticated_at", "issued_at")
        return {
            "id": session["id"],
            "active": session.get("active") is True,
            "authenticator_assurance_level": session.get("authenticator_assurance_level") or "aal0",
            "devices": [Device.of(device) for device in session.get("devices") or ()],
        } | {name: _whole_seconds(session.get(name)) for name in times}


class SessionList(Page):
    data: list[Session]


class ResetFactor(Body):
    type: SecondFactor


class DeletionRequest(Shape):
    user_id: UUID
    created_at: datetime
    created_by: UUID | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        by = row["created_by"]
        return {
            "user_id": str(row["subject_uid"]),
            "created_at": rfc3339(row["created_at"]),
            "created_by": None if by is None else str(by),
        }


class AnyDeletionRequest(Shape):
    """`id` is a user's or a miner's; `account_name` a miner's."""

    type: Literal["user", "miner"]
    id: UUID
    account_name: str | None
    created_at: datetime
    created_by: UUID | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        by = row["created_by"]
        return {
            "type": row["kind"],
            "id": str(row["subject_uid"]),
            "account_name": row["account_name"],
            "created_at": rfc3339_or_none(row["created_at"]),
            "created_by": None if by is None else str(by),
        }


class DeletionRequestList(Page):
    data: list[AnyDeletionRequest]


def _whole_seconds(text: Any) -> str | None:
    """Kratos writes nanoseconds."""
    return None if text is None else rfc3339(datetime.fromisoformat(str(text)))
