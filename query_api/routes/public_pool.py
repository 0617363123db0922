"""What anybody may know of the pool, without a credential."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from query_api.beat import beat_of
from query_api.context import Ctx, anonymous
from query_api.errors import NotFoundError
from query_api.payload import pool_item
from query_api.respond import json_as_of, json_response
from query_api.routes.params import Domain
from query_api.store import accounts, entities
from schemas.units import format_hps

router = APIRouter(prefix="/pool", tags=["pool"], dependencies=[Depends(anonymous)])


@router.get("")
async def public_pool(context: Ctx, domain: Domain = None) -> Response:
    """Public info of the pool."""
    row = await accounts.public_pool(context.database, domain)
    if row is None:
        raise NotFoundError("X-Headframe-Domain: no such pool")
    return json_response(pool_item(row))


@router.get("/stats")
async def public_pool_stats(context: Ctx, domain: Domain = None) -> Response:
    """Anonymous pool stats: hashrate of the last hour, active miners, fee, smallest payout."""
    row = await entities.public_pool_stats(context.database, domain)
    if row is None:
        raise NotFoundError("X-Headframe-Domain: no such pool")
    body = {
        "hashrate": format_hps(row["accepted_1h"] or 0.0, 3_600),
        "miners": row["miners"],
        # Never with an exponent, as `str` writes a payout of one satoshi.
        "fee": f"{row['fee']:f}",
        "minpay": f"{row['min_payout']:f}",
    }
    return json_as_of(context, beat_of(row), body)
