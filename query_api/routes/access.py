"""Who has a role on a miner, an operator or a pool: invite, modify, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.access import entity_for
from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.bodies import Access, Email, OperatorAccess
from query_api.context import Context, Ctx, Who
from query_api.respond import json_response, no_content
from query_api.store import roles
from query_api.store.entities import Entity
from query_api.store.roles import Member
from schemas.access import EntityKind, Role

router = APIRouter(tags=["access"])
MINER, OPERATOR, POOL = EntityKind.MINER, EntityKind.OPERATOR, EntityKind.POOL

Whose = Annotated[Email, Query(description="Whose roles end.")]


async def _require_owner_right(
    context: Context, caller: Caller, entity: Entity, *, email: str, wanted: Sequence[Role]
) -> None:
    """Only an owner makes owners, or touches one: an admin cannot promote itself."""
    member = await roles.held(context.database, entity.id, email)
    before = () if member is None else member.roles
    if Role.OWNER in wanted or Role.OWNER in before:
        caller.require(Action.MANAGE_OWNERS, entity.scope)


def _item(member: Member) -> dict[str, object]:
    user = member.user
    return {
        "user": {"id": str(user["uid"]), "email": user["email"], "status": user["status"]},
        "roles": list(member.roles),
    }


async def _invite(
    context: Context,
    caller: Caller,
    *,
    kind: EntityKind,
    uid: UUID,
    email: str,
    wanted: Sequence[Role],
) -> Response:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.MANAGE_ACCESS)
    wanted = tuple(dict.fromkeys(wanted))
    await _require_owner_right(context, caller, entity, email=email, wanted=wanted)
    member = await roles.grant(context.database, entity.id, email=email, roles=wanted)
    context.authenticator.forget_users()
    return json_response(_item(member), 201)


async def _modify(
    context: Context,
    caller: Caller,
    *,
    kind: EntityKind,
    uid: UUID,
    email: str,
    wanted: Sequence[Role],
) -> Member:
    entity = await entity_for(context, caller, kind=kind, uid=uid, action=Action.MANAGE_ACCESS)
    wanted = tuple(dict.fromkeys(wanted))
    await _require_owner_right(context, caller, entity, email=email, wanted=wanted)
    member = await roles.replace(context.database, entity.id, email=email, roles=wanted)
    context.authenticator.forget_users()
    return member


@router.post("/miners/{miner_id}/access", status_code=201)
async def invite_to_miner(context: Ctx, caller: Who, miner_id: UUID, body: Access) -> Response:
    """Invite somebody by email; who is not known yet gets the roles with the first login."""
    return await _invite(
        context, caller, kind=MINER, uid=miner_id, email=body.email, wanted=body.roles
    )


@router.patch("/miners/{miner_id}/access")
async def modify_access_to_miner(
    context: Ctx, caller: Who, miner_id: UUID, body: Access
) -> Response:
    """Replace somebody's roles by those listed."""
    member = await _modify(
        context, caller, kind=MINER, uid=miner_id, email=body.email, wanted=body.roles
    )
    return json_response(_item(member))


@router.delete("/miners/{miner_id}/access", status_code=204)
async def revoke_access_to_miner(
    context: Ctx, caller: Who, miner_id: UUID, email: Whose
) -> Response:
    """Take all of somebody's roles away. The only owner stays."""
    await _modify(context, caller, kind=MINER, uid=miner_id, email=email, wanted=())
    return no_content()


@router.post("/operators/{operator_id}/access", status_code=201)
async def invite_to_operator(
    context: Ctx, caller: Who, operator_id: UUID, body: OperatorAccess
) -> Response:
    """Invite somebody by email; who is not known yet gets the roles with the first login."""
    return await _invite(
        context,
        caller,
        kind=EntityKind.OPERATOR,
        uid=operator_id,
        email=body.email,
        wanted=body.roles,
    )


@router.patch("/operators/{operator_id}/access")
async def modify_access_to_operator(
    context: Ctx, caller: Who, operator_id: UUID, body: OperatorAccess
) -> Response:
    """Replace somebody's roles by those listed."""
    member = await _modify(
        context,
        caller,
        kind=EntityKind.OPERATOR,
        uid=operator_id,
        email=body.email,
        wanted=body.roles,
    )
    return json_response(_item(member))


@router.delete("/operators/{operator_id}/access", status_code=204)
async def revoke_access_to_operator(
    context: Ctx, caller: Who, operator_id: UUID, email: Whose
) -> Response:
    """Take all of somebody's roles away. The only owner stays."""
    await _modify(context, caller, kind=OPERATOR, uid=operator_id, email=email, wanted=())
    return no_content()


@router.post("/pools/{pool_id}/access", status_code=201)
async def invite_to_pool(context: Ctx, caller: Who, pool_id: UUID, body: Access) -> Response:
    """Invite somebody by email; who is not known yet gets the roles with the first login."""
    return await _invite(
        context, caller, kind=POOL, uid=pool_id, email=body.email, wanted=body.roles
    )


@router.patch("/pools/{pool_id}/access")
async def modify_access_to_pool(context: Ctx, caller: Who, pool_id: UUID, body: Access) -> Response:
    """Replace somebody's roles by those listed."""
    member = await _modify(
        context, caller, kind=POOL, uid=pool_id, email=body.email, wanted=body.roles
    )
    return json_response(_item(member))


@router.delete("/pools/{pool_id}/access", status_code=204)
async def revoke_access_to_pool(context: Ctx, caller: Who, pool_id: UUID, email: Whose) -> Response:
    """Take all of somebody's roles away. The only owner stays."""
    await _modify(context, caller, kind=POOL, uid=pool_id, email=email, wanted=())
    return no_content()
