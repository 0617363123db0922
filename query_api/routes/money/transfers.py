"""Transfers by hand: what no rule books, by the pool's own services alone."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.transfers import BookedTransfer, NewTransfer
from query_api.contract.responses import CONFLICT
from query_api.dependencies import Ctx, Who
from query_api.http.responses import json_response
from query_api.store.money import transfers
from schemas.access import EntityKind

router = APIRouter(prefix="/pools/{pool_id}/transfers", tags=["payouts"])


@router.post("", response_model=BookedTransfer, responses=CONFLICT)
async def book_transfer(context: Ctx, caller: Who, pool_id: UUID, body: NewTransfer) -> Response:
    """Move an amount between two accounts, with a reason. Needs the internal API key; 409 if the
    balance does not suffice."""
    pool = await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.BOOK_BY_HAND
    )
    booked = await transfers.book(context.database, pool.id, body, who=caller.name)
    return json_response({"id": str(body.id), "booked": booked})
