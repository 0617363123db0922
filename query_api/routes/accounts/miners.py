"""Miners: the object, its title, self-registration."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import CallerKind
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.entities import Miner
from query_api.contract.requests import NewTitle, RegisteredMiner
from query_api.contract.responses import CONFLICT
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_response, no_content
from query_api.routes.params import Domain
from query_api.routes.users.subject import user_of
from query_api.store import accounts
from schemas.access import EntityKind

router = APIRouter(prefix="/miners", tags=["miners"])
MINER = EntityKind.MINER


async def created_miner(context: Context, uid: UUID) -> Response:
    """The new miner; its owner's rights count from now on."""
    context.authenticator.forget_users()
    return await _miner(context, uid)


async def _miner(context: Context, uid: UUID) -> Response:
    row = await accounts.miner(context.database, uid)
    assert row is not None  # miners are never deleted
    return json_response(Miner.from_row(row))


@router.post("", response_model=Miner, responses=CONFLICT)
async def register_miner(
    context: Ctx, caller: Who, body: RegisteredMiner, domain: Domain = None
) -> Response:
    """Register oneself: a miner of the pool of this domain, owned by the caller."""
    if caller.kind is not CallerKind.INTERNAL:
        user_of(caller)  # a watcher link registers nobody, nor does a limited key
    pool = await accounts.public_pool(context.database, domain)
    if pool is None:
        raise NotFoundError("X-Headframe-Domain: no such pool")
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=None,
        pool_id=pool["id"],
        operator_id=None,
        owner_uid=caller.user_uid,
        referrer_code=body.referrer_code,
        registered_by=caller.user_uid,
        at_most=context.config.people.miners_per_user,
    )
    return await created_miner(context, uid)


@router.get("/{miner_id}", response_model=Miner)
async def miner(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """A miner, with how many workers it has."""
    found = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.READ_ENTITY)
    return await _miner(context, found.uid)


@router.put("/{miner_id}/title", response_model=Miner)
async def set_title(context: Ctx, caller: Who, miner_id: UUID, body: NewTitle) -> Response:
    """Give the miner a title."""
    found = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    await accounts.set_title(context.database, found.id, body.title)
    return await _miner(context, found.uid)


@router.delete("/{miner_id}/title", status_code=204)
async def clear_title(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """Take the miner's title away; its account name stays."""
    found = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.CHANGE)
    await accounts.set_title(context.database, found.id, None)
    return no_content()
