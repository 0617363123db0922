"""Accepting invitations, and miners that are made for somebody else."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.auth.caller import Caller, CallerKind
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.entities import Miner, MinerList
from query_api.contract.invitations import Acceptance, Accepted, NewRecipient
from query_api.contract.requests import Email
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import ForbiddenError, InvalidInputError, NotFoundError
from query_api.http.responses import json_response
from query_api.routes.accounts.miners import created_miner
from query_api.routes.params import Limit, Offset
from query_api.routes.users.subject import person_of
from query_api.store import accounts
from query_api.store.entities import Entity
from schemas.access import EntityKind, Role

router = APIRouter(tags=["invitations"])
# Others only read.
MANAGING = frozenset({Role.OWNER, Role.ADMIN})


@router.post("/invites/accept", response_model=Accepted)
async def accept_invitation(context: Ctx, caller: Who, body: Acceptance) -> Response:
    """Accept an invitation by its code, or all that wait for the caller's address.

    The address must be the caller's and verified: a code alone, or an address that somebody only
    typed, opens nothing."""
    uid = person_of(caller)
    if caller.email is None:
        raise ForbiddenError("verify your e-mail address first")
    if body.email not in (None, caller.email):
        raise ForbiddenError("body email: sign in with this address")
    accepted = await context.invitations.accept(
        context.database, user_uid=uid, email=caller.email, code=body.code
    )
    if not accepted:
        raise NotFoundError("no such invitation for your address, or it has expired")
    context.authenticator.forget_users()
    return json_response({})


@router.post("/miners/recipients", response_model=Miner, responses=CONFLICT)
async def add_recipient(context: Ctx, caller: Who, body: NewRecipient) -> Response:
    """A miner for somebody whom the caller's miner gives boundary workers to. `email` is invited to
    own it."""
    donor = await _donor(context, caller, body.donor_miner_id)
    assert donor.scope.pool_id is not None
    uid = await accounts.create_miner(
        context.database,
        account_name=body.account_name,
        title=None,
        pool_id=donor.scope.pool_id,
        operator_id=None,
        invite=context.invitations.to_own(body.email, by=caller.user_uid),
        donor_id=donor.id,
        registered_by=caller.user_uid,
        at_most=context.config.people.miners_per_user,
    )
    return await created_miner(context, uid)


async def _donor(context: Context, caller: Caller, uid: UUID | None) -> Entity:
    """The miner that is named, or the oldest that the caller manages itself."""
    if uid is None:
        uid = await accounts.oldest_miner(context.database, _managed(caller))
        if uid is None:
            raise InvalidInputError("body donor_miner_id: is needed to know whose recipient it is")
    return await entity_for(context, caller, kind=EntityKind.MINER, uid=uid, action=Action.CHANGE)


def _managed(caller: Caller) -> list[int]:
    """Of a limited key: what it is limited to."""
    return [
        entity_id
        for entity_id, held in caller.roles.items()
        if held & MANAGING and (caller.limit is None or entity_id in caller.limit)
    ]


@router.get("/miners", response_model=MinerList)
async def miners_of_email(
    context: Ctx,
    caller: Who,
    email: Annotated[Email, Query(description="Of somebody with a role on them.")],
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Miners that somebody has a role on, of those that the caller may see."""
    everything = caller.kind is CallerKind.INTERNAL
    seen = caller.roles if caller.limit is None else caller.limit
    rows, total = await accounts.miners(
        context.database,
        accounts.MinerQuery(limit=limit, offset=offset),
        email=email,
        under=None if everything else list(seen) if caller.active else [],
    )
    items = [Miner.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))
