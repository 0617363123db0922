"""What a recipient pays to the donor for boundary work that it receives."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.contract.money.fees import (
    FeeHistory,
    FeePeriod,
    FeeSchedule,
    NewFeeSchedule,
    NewTariffPlan,
    TariffPlan,
)
from query_api.dependencies import Context, Ctx, Who
from query_api.routes.money import fee_answers
from query_api.routes.money.pairs import pair_for
from query_api.routes.params import Limit, Offset
from query_api.store.money.fees import FeeKey, Relation

router = APIRouter(prefix="/miners/{miner_donor_id}", tags=["fees"])


@router.get("/virtual-mining-fees/{miner_recipient_id}", response_model=FeeSchedule)
async def virtual_mining_fees(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Recipient→donor commission changes, the earliest first. Without any it is 0."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.READ_TERMS)
    return await fee_answers.schedule_page(context, key, limit=limit, offset=offset)


@router.post("/virtual-mining-fees/{miner_recipient_id}", status_code=204)
async def set_virtual_mining_fees(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    body: NewFeeSchedule,
) -> Response:
    """Replace the coming recipient→donor commissions, from the first date on. By the donor."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.CHANGE_SHARING)
    return await fee_answers.change_schedule(context, caller, key, body)


@router.get("/virtual-mining-fees/{miner_recipient_id}/current", response_model=FeePeriod)
async def current_virtual_mining_fee(
    context: Ctx, caller: Who, miner_donor_id: UUID, miner_recipient_id: UUID
) -> Response:
    """The recipient→donor commission in force."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.READ_TERMS)
    return await fee_answers.current_fee(context, key)


@router.get("/virtual-mining-fees/{miner_recipient_id}/history", response_model=FeeHistory)
async def virtual_mining_fee_history(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """Who entered which recipient→donor commission and when, the newest first. Beyond the
    document."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.READ_TERMS)
    return await fee_answers.history_page(context, key, limit=limit, offset=offset)


@router.get(
    "/virtual-mining-plans/{miner_recipient_id}", response_model=TariffPlan, deprecated=True
)
async def virtual_mining_plan(
    context: Ctx, caller: Who, miner_donor_id: UUID, miner_recipient_id: UUID
) -> Response:
    """Use `GET /miners/{miner_donor_id}/virtual-mining-fees/{miner_recipient_id}`."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.READ_TERMS)
    return await fee_answers.tariff_plan(context, key)


@router.put(
    "/virtual-mining-plans/{miner_recipient_id}", response_model=TariffPlan, deprecated=True
)
async def set_virtual_mining_plan(
    context: Ctx,
    caller: Who,
    miner_donor_id: UUID,
    miner_recipient_id: UUID,
    body: NewTariffPlan,
) -> Response:
    """Use `POST /miners/{miner_donor_id}/virtual-mining-fees/{miner_recipient_id}`."""
    key = await _key(context, caller, miner_donor_id, miner_recipient_id, Action.CHANGE_SHARING)
    return await fee_answers.change_tariff_plan(context, caller, key, body)


async def _key(
    context: Context, caller: Caller, donor_uid: UUID, recipient_uid: UUID, action: Action
) -> FeeKey:
    pair = await pair_for(context, caller, donor_uid, recipient_uid, action=action)
    return FeeKey(Relation.RECIPIENT_DONOR, payer_id=pair.recipient.id, payee_id=pair.donor.id)
