"""What anybody may know of the pool, without a credential."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from query_api.contract.entities import PublicPool
from query_api.contract.figures import PublicPoolStats
from query_api.contract.responses import CREDENTIAL_ERRORS
from query_api.dependencies import Ctx, anonymous
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_as_of, json_response
from query_api.routes.params import Domain
from query_api.store import accounts, entities
from query_api.telemetry.version import version_of
from schemas.units import format_hps

router = APIRouter(prefix="/pool", tags=["pool"], dependencies=[Depends(anonymous)])


@router.get("", response_model=PublicPool, responses=CREDENTIAL_ERRORS)
async def public_pool(context: Ctx, domain: Domain = None) -> Response:
    """Public info of the pool."""
    row = await accounts.public_pool(context.database, domain)
    if row is None:
        raise NotFoundError("X-Headframe-Domain: no such pool")
    return json_response(PublicPool.from_row(row))


@router.get("/stats", response_model=PublicPoolStats)
async def public_pool_stats(context: Ctx, domain: Domain = None) -> Response:
    """Anonymous pool stats: hashrate of the last hour, active miners; its fee and smallest
    payout, if the pool has set them."""
    row = await entities.public_pool_stats(context.database, domain)
    if row is None:
        raise NotFoundError("X-Headframe-Domain: no such pool")
    body = {
        "hashrate": format_hps(row["accepted_1h"] or 0.0, 3_600),
        "miners": row["miners"],
        # Never with an exponent, as `str` writes a payout of one satoshi.
        "fee": None if row["fee"] is None else f"{row['fee']:f}",
        "minpay": None if row["min_payout"] is None else f"{row['min_payout']:f}",
    }
    return json_as_of(context, version_of(row), body)
