"""What a unit of hashrate earned on each day, and the blocks that say so. For anybody to read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from query_api.contract.money.sharing import RewardRate, RewardRateDetails, RewardRates
from query_api.contract.money.wallets import Currency
from query_api.dependencies import Ctx, anonymous
from query_api.http.errors import InvalidInputError, NotFoundError
from query_api.http.responses import json_response
from query_api.routes.params import Day
from query_api.store.money import rates

router = APIRouter(prefix="/reward-rates", tags=["reward rates"], dependencies=[Depends(anonymous)])
DEFAULT_DAYS: Final = 30
# Ten years of days are 300 KB.
MAX_DAYS: Final = 3_660


@router.get("", response_model=RewardRates)
async def reward_rates(
    context: Ctx,
    first: Annotated[Day | None, Query(alias="from", description="First day, UTC.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last day, UTC.")] = None,
    currency: Annotated[Currency, Query()] = "BTC",
) -> Response:
    """Reward rates by day, BTC per TH/s, cut to 8 decimals. Without `from`: the 30 days up to
    `to`. Days without a rate yet are left out."""
    last = last or max(first or date.min, datetime.now(UTC).date())
    first = first or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if first > last:
        raise InvalidInputError("query from: is after `to`")
    if last - first >= timedelta(days=MAX_DAYS):
        raise InvalidInputError(f"query from: more than {MAX_DAYS} days before `to`")
    rows = await rates.rates(context.database, first, last)
    return json_response({"rates": [RewardRate.from_row(row) for row in rows]})


@router.get("/{day}", response_model=RewardRateDetails)
async def reward_rate(context: Ctx, day: Day) -> Response:
    """The rate of a day in full, with its blocks and those whose fees were left out. Beyond the
    document."""
    row = await rates.rate(context.database, day)
    if row is None:
        raise NotFoundError("there is no rate of this day yet")
    return json_response(RewardRateDetails.from_row(row))
