"""Whose things a path is about: a user's id, or `me`."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path

from query_api.auth.caller import NO_RIGHT, Caller, CallerKind
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ForbiddenError, NotFoundError
from query_api.store.people import users

UserId = Annotated[UUID | Literal["me"], Path(description="A user's id, or `me` for the caller.")]


def user_of(caller: Caller) -> UUID:
    """The user who calls with all its rights; ForbiddenError for a watcher link, a service, a
    limited key, or who has switched itself off."""
    if caller.user_uid is None or caller.limit is not None or not caller.active:
        raise ForbiddenError(NO_RIGHT)
    return caller.user_uid


def person_of(caller: Caller) -> UUID:
    """The user who has signed in; ForbiddenError for programs, which do not act for people here."""
    if not caller.session:
        raise ForbiddenError("a person has to sign in for this")
    return user_of(caller)


async def _subject(context: Context, caller: Caller, user_id: UUID | str) -> UUID:
    uid = caller.user_uid if isinstance(user_id, str) else user_id
    if caller.kind is CallerKind.INTERNAL:
        if uid is None or await users.find(context.database, uid) is None:
            raise NotFoundError("no such user")
        return uid
    if user_of(caller) != uid:
        raise ForbiddenError(NO_RIGHT)
    return caller.user_uid or uid


async def _self(context: Ctx, caller: Who, user_id: UserId) -> UUID:
    """Users have to do with themselves alone; the pool's services with all of them."""
    return await _subject(context, caller, user_id)


async def _signed_in_self(context: Ctx, caller: Who, user_id: UserId) -> UUID:
    """The same, but no key of the user's."""
    if caller.kind is not CallerKind.INTERNAL:
        person_of(caller)
    return await _subject(context, caller, user_id)


Self = Annotated[UUID, Depends(_self)]
SignedInSelf = Annotated[UUID, Depends(_signed_in_self)]
