"""Who has a role on a miner, an operator or a pool: invite, modify, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.invitations import EntityInvitation, EntityInvitationList, GrantedRoles
from query_api.contract.requests import Access, Email, OperatorAccess, Revoked
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ConflictError, InvalidInputError
from query_api.http.responses import json_response, no_content
from query_api.routes.params import Limit, Offset
from query_api.store import roles as held_roles
from query_api.store.entities import Entity
from query_api.store.people import invitations
from schemas.access import EntityKind, Role

router = APIRouter(tags=["access"])


async def _miner(context: Ctx, caller: Who, miner_id: UUID) -> Entity:
    return await _managed(context, caller, EntityKind.MINER, miner_id)


async def _operator(context: Ctx, caller: Who, operator_id: UUID) -> Entity:
    return await _managed(context, caller, EntityKind.OPERATOR, operator_id)


async def _pool(context: Ctx, caller: Who, pool_id: UUID) -> Entity:
    return await _managed(context, caller, EntityKind.POOL, pool_id)


async def _managed(context: Context, caller: Caller, kind: EntityKind, uid: UUID) -> Entity:
    return await entity_for(context, caller, kind=kind, uid=uid, action=Action.MANAGE_ACCESS)


ManagedMiner = Annotated[Entity, Depends(_miner)]
ManagedOperator = Annotated[Entity, Depends(_operator)]
ManagedPool = Annotated[Entity, Depends(_pool)]


class Whose:
    """An address in the body or in the query; none: the caller's own roles."""

    def __init__(
        self,
        body: Annotated[Revoked | None, Body()] = None,
        email: Annotated[Email | None, Query(description="Whose roles end.")] = None,
    ) -> None:
        self.email = body.email if body is not None and body.email is not None else email


Leaving = Annotated[Whose, Depends()]


async def _invite(
    context: Context, caller: Caller, entity: Entity, *, email: str, roles: Sequence[Role]
) -> Response:
    """The answer is the same for an address with an account and for one without."""
    wanted = tuple(dict.fromkeys(roles))
    assert entity.scope.pool_id is not None
    async with context.database.transaction() as connection:
        if await held_roles.of_address(connection, entity.id, email):
            raise ConflictError("body email: has roles here already; change them with PATCH")
        await context.invitations.invite(
            connection,
            email=email,
            entity_id=entity.id,
            pool_id=entity.scope.pool_id,
            roles=wanted,
            by=caller.user_uid,
        )
    return json_response(GrantedRoles.of(wanted))


async def _modify(
    context: Context, caller: Caller, entity: Entity, *, email: str, roles: Sequence[Role]
) -> Response:
    wanted = tuple(dict.fromkeys(roles))
    owners_too = caller.may(Action.MANAGE_OWNERS, entity.scope)
    await held_roles.replace(
        context.database, entity.id, email=email, roles=wanted, owners_too=owners_too
    )
    context.authenticator.forget_users()
    return json_response(GrantedRoles.of(wanted))


async def _revoke(
    context: Context, caller: Caller, *, kind: EntityKind, uid: UUID, email: str | None
) -> Response:
    """Everybody may leave; others are shown out by who manages access."""
    if caller.user_uid is not None and email in (None, caller.email) and caller.limit is None:
        entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_ENTITY)
        await held_roles.leave(context.database, entity.id, caller.user_uid)
    else:
        entity = await _managed(context, caller, kind, uid)
        if email is None:
            raise InvalidInputError("body email: Field required")
        owners_too = caller.may(Action.MANAGE_OWNERS, entity.scope)
        await held_roles.replace(
            context.database, entity.id, email=email, roles=(), owners_too=owners_too
        )
    context.authenticator.forget_users()
    return no_content()


async def _list(context: Context, entity: Entity, *, limit: int, offset: int) -> Response:
    rows, total = await invitations.of_entity(
        context.database, entity.id, limit=limit, offset=offset
    )
    items = [EntityInvitation.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post("/miners/{miner_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def invite_to_miner(context: Ctx, caller: Who, miner: ManagedMiner, body: Access) -> Response:
    """Invite somebody by e-mail. The roles wait until the invitation is accepted.

    Who is invited again gets a new code in place of the old one."""
    return await _invite(context, caller, miner, email=body.email, roles=body.roles)


@router.put(
    "/miners/{miner_id}/access",
    operation_id="put_access_to_miner",
    response_model=GrantedRoles,
    responses=CONFLICT,
)
@router.patch("/miners/{miner_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def modify_access_to_miner(
    context: Ctx, caller: Who, miner: ManagedMiner, body: Access
) -> Response:
    """Replace somebody's roles, or those of an open invitation, by those listed."""
    return await _modify(context, caller, miner, email=body.email, roles=body.roles)


@router.delete("/miners/{miner_id}/access", status_code=204, responses=CONFLICT)
async def revoke_access_to_miner(
    context: Ctx, caller: Who, miner_id: UUID, whose: Leaving
) -> Response:
    """Take all of somebody's roles away, or the invitation. Everybody may give up their own roles;
    the only owner stays."""
    return await _revoke(context, caller, kind=EntityKind.MINER, uid=miner_id, email=whose.email)


@router.get("/miners/{miner_id}/invitations", response_model=EntityInvitationList)
async def miner_invitations(
    context: Ctx, miner: ManagedMiner, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Who was invited here, the newest first."""
    return await _list(context, miner, limit=limit, offset=offset)


@router.post("/operators/{operator_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def invite_to_operator(
    context: Ctx, caller: Who, operator: ManagedOperator, body: OperatorAccess
) -> Response:
    """Invite somebody by e-mail. The roles wait until the invitation is accepted."""
    return await _invite(context, caller, operator, email=body.email, roles=body.roles)


@router.put(
    "/operators/{operator_id}/access",
    operation_id="put_access_to_operator",
    response_model=GrantedRoles,
    responses=CONFLICT,
)
@router.patch("/operators/{operator_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def modify_access_to_operator(
    context: Ctx, caller: Who, operator: ManagedOperator, body: OperatorAccess
) -> Response:
    """Replace somebody's roles, or those of an open invitation, by those listed."""
    return await _modify(context, caller, operator, email=body.email, roles=body.roles)


@router.delete("/operators/{operator_id}/access", status_code=204, responses=CONFLICT)
async def revoke_access_to_operator(
    context: Ctx, caller: Who, operator_id: UUID, whose: Leaving
) -> Response:
    """Take all of somebody's roles away, or the invitation. Everybody may give up their own roles;
    the only owner stays."""
    return await _revoke(
        context, caller, kind=EntityKind.OPERATOR, uid=operator_id, email=whose.email
    )


@router.get("/operators/{operator_id}/invitations", response_model=EntityInvitationList)
async def operator_invitations(
    context: Ctx, operator: ManagedOperator, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Who was invited here, the newest first."""
    return await _list(context, operator, limit=limit, offset=offset)


@router.post("/pools/{pool_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def invite_to_pool(context: Ctx, caller: Who, pool: ManagedPool, body: Access) -> Response:
    """Invite somebody by e-mail. The roles wait until the invitation is accepted."""
    return await _invite(context, caller, pool, email=body.email, roles=body.roles)


@router.put(
    "/pools/{pool_id}/access",
    operation_id="put_access_to_pool",
    response_model=GrantedRoles,
    responses=CONFLICT,
)
@router.patch("/pools/{pool_id}/access", response_model=GrantedRoles, responses=CONFLICT)
async def modify_access_to_pool(
    context: Ctx, caller: Who, pool: ManagedPool, body: Access
) -> Response:
    """Replace somebody's roles, or those of an open invitation, by those listed."""
    return await _modify(context, caller, pool, email=body.email, roles=body.roles)


@router.delete("/pools/{pool_id}/access", status_code=204, responses=CONFLICT)
async def revoke_access_to_pool(
    context: Ctx, caller: Who, pool_id: UUID, whose: Leaving
) -> Response:
    """Take all of somebody's roles away, or the invitation. Everybody may give up their own roles;
    the only owner stays."""
    return await _revoke(context, caller, kind=EntityKind.POOL, uid=pool_id, email=whose.email)


@router.get("/pools/{pool_id}/invitations", response_model=EntityInvitationList)
async def pool_invitations(
    context: Ctx, pool: ManagedPool, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Who was invited to the pool itself, the newest first."""
    return await _list(context, pool, limit=limit, offset=offset)
