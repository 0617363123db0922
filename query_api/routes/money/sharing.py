"""Profit sharing between miners, and who was referred by whom."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.sharing import (
    NewProfitSharing,
    ProfitSharing,
    ProfitSharingHistory,
    ProfitSharingList,
    Referral,
    ReferralList,
    ReferrerCode,
    ReferrerCodeList,
)
from query_api.contract.responses import CONFLICT
from query_api.contract.shape import page_of
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_response, no_content
from query_api.routes.money.pairs import pair_for
from query_api.routes.params import Limit, Offset
from query_api.store.money import sharing
from schemas.access import EntityKind

router = APIRouter(tags=["profit sharing"])
MINER = EntityKind.MINER


@router.get("/miners/{miner_donor_id}/profit-sharings", response_model=ProfitSharingList)
async def profit_sharings(context: Ctx, caller: Who, miner_donor_id: UUID) -> Response:
    """The profit sharings in force of which the miner is donor."""
    donor = await entity_for(
        context, caller, kind=MINER, uid=miner_donor_id, action=Action.READ_TERMS
    )
    rows = await sharing.active(context.database, donor.id)
    return json_response({"data": [ProfitSharing.from_row(row) for row in rows]})


@router.get(
    "/miners/{miner_donor_id}/profit-sharings/{miner_recipient_id}",
    response_model=ProfitSharingHistory,
)
async def profit_sharing_history(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Profit sharings between two miners, the newest first; coming ones too."""
    pair = await pair_for(
        context, caller, miner_donor_id, miner_recipient_id, action=Action.READ_TERMS
    )
    rows, total = await sharing.history(
        context.database, pair.donor.id, pair.recipient.id, limit=limit, offset=offset
    )
    items = [ProfitSharing.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.post(
    "/miners/{miner_donor_id}/profit-sharings/{miner_recipient_id}",
    status_code=204,
    responses=CONFLICT,
)
async def create_profit_sharing(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    body: NewProfitSharing,
) -> Response:
    """Share a part of the donor's reward from the next 00:00 UTC on. What the two have until then
    ends at the same time. All rates of a donor are together at most 1."""
    pair = await pair_for(
        context, caller, miner_donor_id, miner_recipient_id, action=Action.CHANGE_SHARING
    )
    await sharing.begin(
        context.database,
        pair.donor.id,
        pair.recipient.id,
        kind=body.type,
        rate=body.rate,
        who=caller.name,
    )
    return no_content()


@router.delete("/miners/{miner_donor_id}/profit-sharings/{miner_recipient_id}", status_code=204)
async def delete_profit_sharing(
    context: Ctx, caller: Who, miner_donor_id: UUID, miner_recipient_id: UUID
) -> Response:
    """End a profit sharing at the next 00:00 UTC."""
    pair = await pair_for(
        context, caller, miner_donor_id, miner_recipient_id, action=Action.CHANGE_SHARING
    )
    await sharing.end(context.database, pair.donor.id, pair.recipient.id, who=caller.name)
    return no_content()


@router.get("/miners/{miner_id}/referrals", response_model=ReferralList)
async def referrals(
    context: Ctx, caller: Who, miner_id: UUID, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """Miners that registered with this miner's code, the newest first."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.READ_TERMS)
    rows, total = await sharing.referrals(context.database, miner.id, limit=limit, offset=offset)
    items = [Referral.from_row(row) for row in rows]
    return json_response(page_of(items, limit=limit, offset=offset, total_count=total))


@router.get("/miners/{miner_id}/referrer-codes", response_model=ReferrerCodeList)
async def referrer_codes(context: Ctx, caller: Who, miner_id: UUID) -> Response:
    """The miner's referrer code and what it brings; made when it is first asked for. `POST /miners`
    takes it as `referrer_code`."""
    miner = await entity_for(context, caller, kind=MINER, uid=miner_id, action=Action.READ_TERMS)
    code = await sharing.referrer_code(context.database, miner.id)
    return json_response({"data": [ReferrerCode.from_row(code)]})
