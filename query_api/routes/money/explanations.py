"""One payment explained, and why a day brought more or less than another."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.explanations import (
    ComparedDay,
    Comparison,
    ExplainedDay,
    ExplainedPayment,
)
from query_api.contract.money.payments import Payment
from query_api.contract.shape import JsonObject
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_response
from query_api.money.comparison import split
from query_api.routes.params import Day, Limit, Offset
from query_api.store.entities import Entity
from query_api.store.money import explanations, payments
from schemas.access import EntityKind
from schemas.money import btc_text

router = APIRouter(prefix="/miners/{miner_id}/payments/{payment_id}", tags=["payments"])


@router.get("", response_model=ExplainedPayment)
async def explained_payment(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    payment_id: UUID,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """A payment with what it is made of: the day's rate and its blocks, each deduction with the
    schedule entry that set it, and the work of each worker (`limit` and `offset` are of these).
    What another miner gave has no such day: that is the giver's."""
    miner, row = await _payment(context, caller, miner_id, payment_id)
    counterparty = None
    if row["counterparty_id"] is not None:
        counterparty = await explanations.entity(context.database, row["counterparty_id"])
    return json_response(
        {
            "payment": Payment.from_row(row),
            "counterparty": None
            if counterparty is None
            else {"id": str(counterparty["uid"]), "name": counterparty["name"]},
            "settlement": await _settlement(context, miner, row, limit=limit, offset=offset),
        }
    )


@router.get("/comparison", response_model=Comparison)
async def compared_payment(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    payment_id: UUID,
    other: Annotated[
        Day | None, Query(alias="with", description="Which day; none: the settled one before.")
    ] = None,
) -> Response:
    """Why the day of a payment brought more or less than another one: hashrate, downtime, rejects,
    difficulty, network fees, commissions, transfers, in satoshi that sum to the difference."""
    miner, row = await _payment(context, caller, miner_id, payment_id)
    day = row["settlement_day"]
    if day is None:
        raise NotFoundError("this payment is of no settled day")
    other = other or await explanations.day_before(context.database, miner.id, day)
    after = await explanations.day_factors(context.database, miner.id, day)
    before = other and await explanations.day_factors(context.database, miner.id, other)
    if not (other and before and after):
        raise NotFoundError("there is no settled day to compare with")
    return json_response(
        {
            "before": ComparedDay.of(other, before),
            "after": ComparedDay.of(day, after),
            "difference": btc_text(after.total_sat - before.total_sat),
            "parts": [
                {"part": part.value, "amount": btc_text(sat)}
                for part, sat in split(before, after).items()
            ],
        }
    )


async def _payment(
    context: Context, caller: Caller, miner_uid: UUID, payment_uid: UUID
) -> tuple[Entity, Row]:
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_uid, action=Action.READ_PAYMENTS
    )
    row = await payments.payment(context.database, miner.id, payment_uid)
    if row is None:
        raise NotFoundError("no such payment")
    return miner, row


async def _settlement(
    context: Context, miner: Entity, row: Row, *, limit: int, offset: int
) -> JsonObject | None:
    day, version = row["settlement_day"], row["settlement_version"]
    if day is None or version is None or not row["of_own_day"]:
        return None
    found = await explanations.settled_day(
        context.database, miner.id, day, version, limit=limit, offset=offset
    )
    return None if found is None else ExplainedDay.of(found, limit=limit, offset=offset)
