"""Shapes of users: who they are, what they may do, how they are notified."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from query_api.auth.kratos_admin import SecondFactors
from query_api.contract.invitations import WaitingInvitation
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.contract.workers import MinerBrief
from query_api.http.timestamps import rfc3339_or_none
from schemas.access import Role, UserStatus


class Watcher(Shape):
    id: UUID
    token: str
    title: str
    created_at: datetime
    extra_permissions: list[str]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["id"]),
            "token": row["token"],
            "title": row["title"],
            "created_at": rfc3339_or_none(row["created_at"]),
            "extra_permissions": list(row["extra_permissions"]),
        }


class WatcherList(Page):
    data: list[Watcher]


class WatcherPermission(Shape):
    id: UUID
    type: Literal["miner"]
    account_name: str
    access: list[Literal["section_workers_read", "section_payments_read"]]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        access = ["section_workers_read"]
        if "accountant" in row["extra_permissions"]:
            access.append("section_payments_read")
        return {
            "id": str(row["uid"]),
            "type": "miner",
            "account_name": row["account_name"],
            "access": access,
        }


class WatcherPermissions(Shape):
    permissions: list[WatcherPermission]


class BookmarkedWatcher(Shape):
    """A link revoked since is not `active` and opens nothing."""

    token: str
    active: bool
    permissions: list[WatcherPermission]
    title: str
    miner: MinerBrief
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "token": row["token"],
            "active": row["active"],
            "permissions": [WatcherPermission.from_row(row)] if row["active"] else [],
            "title": row["title"],
            "miner": {
                "id": str(row["uid"]),
                "account_name": row["account_name"],
                "title": row["miner_title"],
            },
            "created_at": rfc3339_or_none(row["created_at"]),
        }


class BookmarkList(Shape):
    data: list[BookmarkedWatcher]


class User(Shape):
    id: UUID
    status: UserStatus
    language: Literal["en", "ru"]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {"id": str(row["uid"]), "status": row["status"], "language": row["language"]}


NOBODYS_ID: Final = UUID(int=0)


class Permission(Shape):
    """`platform`: everything, for the pool's own services; its id is nobody's."""

    type: Literal["platform", "pool", "operator", "miner"]
    id: UUID
    account_name: str | None
    roles: list[Role]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return cls.of(row, row["roles"])

    @classmethod
    def of(cls, row: Mapping[str, Any], roles: Iterable[str]) -> JsonObject:
        return {
            "type": row["type"],
            "id": str(row["uid"]),
            "account_name": row["account_name"],
            "roles": sorted(roles),
        }

    @classmethod
    def platform(cls) -> JsonObject:
        return {
            "type": "platform",
            "id": str(NOBODYS_ID),
            "account_name": None,
            "roles": [Role.OWNER],
        }


class Verification(Shape):
    """Proof of the user's id for programs beside this service."""

    intercom: Annotated[
        str, Field(description="HMAC-SHA256 of the id, hex; absent without a secret.")
    ] = ""

    @classmethod
    def of(cls, uid: UUID, secret: str | None) -> JsonObject:
        if not secret:
            return {}
        digest = hmac.new(secret.encode(), str(uid).encode(), hashlib.sha256)
        return {"intercom": digest.hexdigest()}


class Credentials(Shape):
    """Which second factors are set up."""

    totp: bool
    lookup_secret: bool

    @classmethod
    def of(cls, factors: SecondFactors) -> JsonObject:
        return {"totp": factors.totp, "lookup_secret": factors.lookup_secret}


class CurrentUser(Shape):
    user: User | None
    verification: Verification
    credentials: Credentials | None
    permissions: list[Permission]
    invitations: Annotated[
        list[WaitingInvitation], Field(description="What waits for the caller's address.")
    ]


class Preference(Shape):
    enabled: bool
    readonly: bool


class Preferences(Shape):
    email: dict[str, Preference]
    telegram: dict[str, Preference]


class Bot(Shape):
    username: str
    first_name: str


class Invite(Shape):
    code: str
    valid_until: datetime
    created_at: datetime
    activated_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        times = ("valid_until", "created_at", "activated_at")
        return {"code": row["code"]} | {name: rfc3339_or_none(row[name]) for name in times}


class TelegramInvite(Shape):
    bot: Annotated[Bot | None, Field(description="None if no bot is set up.")]
    invite: Invite


class Chat(Shape):
    id: int
    user: dict[str, Any]


class TelegramChat(Shape):
    bot: Annotated[Bot | None, Field(description="None if no bot is set up.")]
    chat: Chat
