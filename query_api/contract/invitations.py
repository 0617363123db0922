"""Shapes of invitations: of a user, of what they are to, and of the person who accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from query_api.auth.invitation_codes import InvitationCodes
from query_api.contract.requests import AccountName, Body, Email
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.http.timestamps import rfc3339, rfc3339_or_none
from schemas.access import EntityKind, Role


class InvitationStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


def status_of(row: Mapping[str, Any], now: datetime) -> InvitationStatus:
    if row["accepted_at"] is not None:
        return InvitationStatus.ACCEPTED
    if row["withdrawn_at"] is not None:
        return InvitationStatus.WITHDRAWN
    return InvitationStatus.PENDING if row["valid_until"] > now else InvitationStatus.EXPIRED


class GrantedRoles(Shape):
    roles: list[Role]

    @classmethod
    def of(cls, roles: Sequence[Role]) -> JsonObject:
        return {"roles": list(roles)}


class EntityInvitation(Shape):
    """As who manages access sees it: to whom, and to what."""

    email: str
    roles: list[Role]
    status: InvitationStatus
    created_at: datetime
    sent_at: datetime
    valid_until: datetime
    activated_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "email": row["email"],
            "roles": list(row["roles"]),
            "status": status_of(row, row["now"]),
            "created_at": rfc3339(row["created_at"]),
            "sent_at": rfc3339(row["sent_at"]),
            "valid_until": rfc3339(row["valid_until"]),
            "activated_at": rfc3339_or_none(row["accepted_at"]),
        }


class EntityInvitationList(Page):
    data: list[EntityInvitation]


class UserInvitation(Shape):
    user_id: UUID
    code: Annotated[
        str | None,
        Field(description="64 hex digits; null if it was made with another secret."),
    ]
    created_at: datetime
    valid_until: datetime
    activated_at: datetime | None
    status: InvitationStatus

    @classmethod
    def from_row(
        cls, row: Mapping[str, Any], codes: InvitationCodes, *, now: datetime
    ) -> JsonObject:
        return {
            "user_id": str(row["user_uid"]),
            "code": codes.shown(row["id"], row["digest"]),
            "created_at": rfc3339(row["created_at"]),
            "valid_until": rfc3339(row["valid_until"]),
            "activated_at": rfc3339_or_none(row["accepted_at"]),
            "status": status_of(row, now),
        }


class UserInvitationList(Page):
    data: list[UserInvitation]


class WaitingInvitation(Shape):
    """What the caller may accept."""

    type: EntityKind
    id: UUID
    name: Annotated[str, Field(description="Account name or title.")]
    roles: list[Role]
    valid_until: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "type": row["kind"],
            "id": str(row["uid"]),
            "name": row["account_name"] or row["title"],
            "roles": list(row["roles"]),
            "valid_until": rfc3339(row["valid_until"]),
        }


class Acceptance(Body):
    """Of one invitation by its code, or of all that wait for the caller's address."""

    code: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    email: Email | None = None


class Accepted(Shape):
    """Empty."""


class NewRecipient(Body):
    """A miner for somebody else, to whom the donor gives boundary workers.

    Without `donor_miner_id` the donor is the oldest miner that the caller manages itself."""

    account_name: AccountName
    email: Email
    donor_miner_id: UUID | None = None
