"""The caller's own account: status, language, deletion."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from query_api.auth.caller import NO_RIGHT, Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.requests import Body
from query_api.contract.sessions import DeletionRequest
from query_api.contract.shape import Shape
from query_api.dependencies import Ctx, Who
from query_api.http.errors import ForbiddenError, InvalidInputError
from query_api.http.responses import json_response, no_content
from query_api.routes.users.subject import SignedInSelf
from query_api.store.people import deletions, pool_users
from schemas.access import EntityKind, UserStatus

router = APIRouter(tags=["users"])


class Status(Body):
    """`inactive`: nothing but this and `GET /user` is open until it is `active` again. Nobody makes
    itself `pending`."""

    status: UserStatus


class Language(Body):
    language: Annotated[Literal["en", "ru"], Field(description="Of messages, not of answers.")]


class CurrentStatus(Shape):
    status: UserStatus


class CurrentLanguage(Shape):
    language: Literal["en", "ru"]


def _own(caller: Caller) -> UUID:
    """A user, also one that has switched itself off; no limited key."""
    if caller.user_uid is None or caller.limit is not None:
        raise ForbiddenError(NO_RIGHT)
    return caller.user_uid


@router.put("/user/status", response_model=CurrentStatus)
async def set_status(context: Ctx, caller: Who, body: Status) -> Response:
    """Switch oneself off and on again. Keys of a user who is off open nothing."""
    uid = _own(caller)
    if body.status is UserStatus.PENDING:
        raise InvalidInputError("body status: `active` or `inactive` is expected")
    await pool_users.set_status(context.database, uid, body.status)
    context.authenticator.forget_users()
    return json_response({"status": body.status})


@router.put("/user/language", response_model=CurrentLanguage)
async def set_language(context: Ctx, caller: Who, body: Language) -> Response:
    """The language of messages. It is kept in the identity, so that log-in pages have it too."""
    uid = _own(caller)
    await context.kratos_admin.set_language(uid, body.language)
    context.authenticator.forget_sessions()
    await pool_users.set_language(context.database, uid, body.language)
    return json_response({"language": body.language})


@router.post("/users/{user_id}/deletion-request", response_model=DeletionRequest)
async def request_user_deletion(context: Ctx, caller: Who, user_id: SignedInSelf) -> Response:
    """Ask to be deleted. The pool's admins see it and carry it out by hand; asked again, the first
    request stands."""
    row = await deletions.request_for_user(context.database, user_id, by=caller.user_uid)
    return json_response(DeletionRequest.from_row(row))


@router.delete("/miners/{miner_id}", status_code=204)
async def request_miner_deletion(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """Ask that the miner be deleted. It is carried out by hand, not at once."""
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_id, action=Action.MANAGE_OWNERS
    )
    await deletions.request_for_miner(
        context.database, miner.uid, entity_id=miner.id, by=caller.user_uid
    )
    return no_content()
