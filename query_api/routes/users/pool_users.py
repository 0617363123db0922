"""Users of a pool, for its owners and admins: who they are, and what may be done to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from query_api.auth.caller import NO_RIGHT, Caller, Scope
from query_api.auth.entity_access import entity_for
from query_api.auth.people_rights import OF_THE_WHOLE_ACCOUNT, Deed, Rank, may
from query_api.auth.rights import Action
from query_api.contract.invitations import UserInvitation, UserInvitationList
from query_api.contract.people import Credentials, Permission
from query_api.contract.responses import CONFLICT
from query_api.contract.sessions import (
    AnyDeletionRequest,
    DeletionRequest,
    DeletionRequestList,
    PermissionList,
    PoolUser,
    PoolUserDetails,
    PoolUserList,
    ResetFactor,
    Session,
    SessionList,
)
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ForbiddenError, NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.routes.params import Limit, Offset
from query_api.store.entities import Entity
from query_api.store.people import deletions, invitations, pool_users
from query_api.store.people.pool_users import PoolUser as Found
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}", tags=["pool users"])

Active = Annotated[bool, Query(description="Active ones, or the others.")]


async def _pool(context: Ctx, caller: Who, pool_id: UUID) -> Entity:
    return await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.MANAGE_ACCESS
    )


Pool = Annotated[Entity, Depends(_pool)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A caller who manages the pool, and a user of the pool."""

    context: Context
    caller: Caller
    pool: Entity
    user: Found

    def require(self, deed: Deed) -> None:
        """ForbiddenError unless the table of `people_rights` allows it."""
        allowed = may(deed, _rank(self.caller, self.pool.scope), self.user.rank)
        if allowed and deed in OF_THE_WHOLE_ACCOUNT:
            allowed = all(
                may(deed, _rank(self.caller, Scope(pool)), self.user.rank)
                for pool in self.user.pools
            )
        if not allowed:
            raise ForbiddenError(NO_RIGHT)


def _rank(caller: Caller, pool: Scope) -> Rank:
    if caller.may(Action.MANAGE_OWNERS, pool):
        return Rank.OWNER
    return Rank.ADMIN if caller.may(Action.MANAGE_ACCESS, pool) else Rank.MEMBER


async def _asked(context: Ctx, caller: Who, pool: Pool, user_id: UUID) -> Asked:
    found = await pool_users.find(context.database, pool_id=pool.id, uid=user_id)
    if found is None:
        raise NotFoundError("no such user in this pool")
    return Asked(context, caller, pool, found)


About = Annotated[Asked, Depends(_asked)]


@router.get("/users", response_model=PoolUserList)
async def list_pool_users(
    context: Ctx, pool: Pool, active: Active = True, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Who has a role on the pool, its operators or its miners, by the time they came. Whoever was
    invited and has not accepted yet is among the inactive ones, as pending."""
    rows, total = await pool_users.page(
        context.database, pool_id=pool.id, active=active, limit=limit, offset=offset
    )
    items = [PoolUser.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.get("/users/{user_id}", response_model=PoolUserDetails)
async def pool_user(about: About) -> Response:
    """A user, with which second factors are set up."""
    about.require(Deed.READ)
    factors = await about.context.kratos_admin.second_factors(about.user.uid)
    extra = {"language": about.user.row["language"], "credentials": Credentials.of(factors)}
    return json_response(PoolUser.from_row(about.user.row) | extra)


@router.delete("/users/{user_id}", status_code=204, responses=CONFLICT)
async def delete_pool_user(about: About) -> Response:
    """Delete a user completely: roles, keys, preferences and the account to sign in with. Not while
    something has no other owner. May be repeated when it was cut short."""
    about.require(Deed.DELETE)
    async with about.context.database.transaction() as connection:
        await deletions.delete_user(
            connection, about.user.uid, delete_identity=about.context.kratos_admin.delete_identity
        )
    about.context.authenticator.forget_sessions()
    return no_content()


@router.get("/users/{user_id}/deletion-request", response_model=DeletionRequest)
async def pool_user_deletion_request(about: About) -> Response:
    """When the user asked to be deleted; 404 if it did not."""
    about.require(Deed.READ)
    row = await deletions.requested(about.context.database, "user", about.user.uid)
    if row is None:
        raise NotFoundError("no deletion was requested")
    return json_response(DeletionRequest.from_row(row))


@router.get("/deletion-requests", response_model=DeletionRequestList)
async def pool_deletion_requests(
    context: Ctx, pool: Pool, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Users and miners of the pool whose deletion was asked for, the oldest request first."""
    rows, total = await deletions.page(context.database, pool.id, limit=limit, offset=offset)
    items = [AnyDeletionRequest.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.get("/users/{user_id}/sessions", response_model=SessionList)
async def pool_user_sessions(
    about: About, active: Active = True, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Where the user is signed in, the newest session first."""
    about.require(Deed.READ)
    found = await about.context.kratos_admin.sessions(about.user.uid, active=active)
    items = [Session.of(session) for session in found[offset : offset + limit]]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=len(found)))


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(context: Ctx, caller: Who, pool: Pool, session_id: UUID) -> Response:
    """Sign a user out on one device. It counts here within seconds."""
    owner = await context.kratos_admin.owner_of_session(session_id)
    if owner is None:
        raise NotFoundError("no such session in this pool")
    (await _asked(context, caller, pool, owner)).require(Deed.END_SESSION)
    await context.kratos_admin.end_session(session_id)
    context.authenticator.forget_sessions()
    return no_content()


async def _reset(about: Asked, body: ResetFactor) -> Response:
    about.require(Deed.RESET_SECOND_FACTOR)
    await about.context.kratos_admin.remove_second_factor(about.user.uid, body.type)
    return no_content()


@router.post("/users/{user_id}/2fa", status_code=204)
async def reset_second_factor(about: About, body: ResetFactor) -> Response:
    """Remove a second factor that the user has lost. One that is not set up is no mistake."""
    return await _reset(about, body)


@router.delete("/users/{user_id}/2fa", status_code=204)
async def delete_second_factor(about: About, body: ResetFactor) -> Response:
    """The same as `POST`."""
    return await _reset(about, body)


@router.get("/users/{user_id}/invites", response_model=UserInvitationList)
async def pool_user_invitations(about: About, limit: Limit = 10, offset: Offset = 0) -> Response:
    """What the user was invited to in this pool, the newest first."""
    about.require(Deed.READ)
    rows, total = await invitations.of_user(
        about.context.database,
        user_uid=about.user.uid,
        pool_id=about.pool.id,
        limit=limit,
        offset=offset,
    )
    codes = about.context.invitations.codes
    items = [UserInvitation.from_row(row, codes, now=row["now"]) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/users/{user_id}/invites", response_model=UserInvitation)
async def invite_pool_user_again(about: About) -> Response:
    """Send what waits for the user again, with new codes. The answer is the newest of them."""
    about.require(Deed.INVITE_AGAIN)
    row = await about.context.invitations.send_again(
        about.context.database,
        user_uid=about.user.uid,
        pool_id=about.pool.id,
        by=about.caller.user_uid,
    )
    codes = about.context.invitations.codes
    return json_response(UserInvitation.from_row(row, codes, now=row["sent_at"]))


@router.get("/users/{user_id}/permissions", response_model=PermissionList)
async def pool_user_permissions(about: About) -> Response:
    """The user's roles in this pool."""
    about.require(Deed.READ)
    rows = await pool_users.permissions(
        about.context.database, pool_id=about.pool.id, uid=about.user.uid
    )
    return json_response({"data": [Permission.from_row(row) for row in rows]})
