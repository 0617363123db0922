"""Look-up without an account: pools and miners that their operator has opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from query_api.auth.caller import Caller, CallerKind, scope_of
from query_api.auth.rights import Action
from query_api.contract.figures import Chart, Charts, Counts
from query_api.contract.look_up import PublicMiner, PublicPoolPage, StratumServers
from query_api.contract.responses import CONDITIONAL, CONDITIONAL_TABLE
from query_api.contract.shape import JsonObject
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who, looking_up
from query_api.http.errors import NotFoundError
from query_api.http.responses import json_as_of, respond
from query_api.http.tables import TableRoute
from query_api.http.timestamps import rfc3339, rfc3339_or_none
from query_api.routes.params import ReachParam, RunningParam
from query_api.store import entities, look_up
from query_api.store.entities import Entity
from query_api.store.money import rates
from query_api.store.telemetry import Subject
from query_api.telemetry import windows
from query_api.telemetry.query import ChartQuery
from query_api.telemetry.sources import SourcesQuery
from query_api.telemetry.version import version_of
from schemas.access import EntityKind, Role

router = APIRouter(route_class=TableRoute)
_PUBLIC: Final = [Depends(looking_up)]
_RATES_DAYS: Final = 30
# Also a name that no account can have: it is not found, as any other.
AccountName = Annotated[str, Path(min_length=1, max_length=128)]


@router.get(
    "/pools/{pool_id}/sources", tags=["pools"], response_model=StratumServers, responses=CONDITIONAL
)
async def pool_sources(request: Request, caller: Who, pool_id: UUID) -> Response:
    """The pool's stratum servers with their workers, rate and last share, strongest first."""
    return await respond(request, caller, SourcesQuery((pool_id,)), action=Action.READ_POOL_STATS)


@router.get(
    "/public/pools/{pool_id}", tags=["public"], response_model=PublicPoolPage, dependencies=_PUBLIC
)
async def public_pool_page(context: Ctx, pool_id: UUID) -> Response:
    """A pool as anybody may see it, if its operator has opened the page."""
    row = await _open_pool(context, pool_id)
    pool = Entity(EntityKind.POOL, row["id"], row["uid"], scope_of(_above(pool_id=row["id"])))
    workers = await entities.status_counts(context.database, pool)
    servers = (await context.response_cache.get(SourcesQuery((pool_id,)))).by_uid[pool_id]
    today = datetime.now(UTC).date()
    days = await rates.rates(context.database, today - timedelta(days=_RATES_DAYS), today)
    body = {
        "id": str(row["uid"]),
        "title": row["title"],
        "miners": row["miners"],
        "workers": Counts.of(workers.counts),
        "stats": _stats(row),
        "fee": _decimal(row, "fee"),
        "min_payout": _decimal(row, "min_payout"),
        "reward_rates": [
            {"day": each["day"].isoformat(), "rate_per_th": f"{each['rate_per_th']:f}"}
            for each in days
        ],
        "servers": orjson.loads(servers.body)["data"],
        "miners_are_public": row["public_miners"],
    }
    return json_as_of(context, version_of(row), body)


@router.get(
    "/public/pools/{pool_id}/charts",
    tags=["public"],
    response_model=Chart,
    responses=CONDITIONAL_TABLE,
    dependencies=_PUBLIC,
)
async def public_pool_chart(
    request: Request,
    context: Ctx,
    pool_id: UUID,
    reach: ReachParam,
    running: RunningParam = False,
) -> Response:
    """Its chart."""
    row = await _open_pool(context, pool_id)
    query = ChartQuery(Subject.POOL, (pool_id,), reach, running)
    return await respond(request, _reader_of(row["id"]), query)


@router.get(
    "/public/miners/{account_name}",
    tags=["public"],
    response_model=PublicMiner,
    dependencies=_PUBLIC,
)
async def public_miner(context: Ctx, account_name: AccountName) -> Response:
    """A miner by its account name, if its pool has opened its miners."""
    row = await _open_miner(context, account_name)
    miner = Entity(EntityKind.MINER, row["id"], row["uid"], scope_of(_above(miner_id=row["id"])))
    workers = await entities.status_counts(context.database, miner)
    strongest = await look_up.workers(context.database, row["id"])
    body = {
        "id": str(row["uid"]),
        "account_name": row["account_name"],
        "created_at": rfc3339(row["created_at"]),
        "pool": {"id": str(row["pool_uid"]), "title": row["pool_title"]},
        "stats": _stats(row),
        "workers": Counts.of(workers.counts),
        "strongest_workers": [_worker(each) for each in strongest],
    }
    return json_as_of(context, version_of(row), body)


@router.get(
    "/public/miners/{account_name}/charts",
    tags=["public"],
    response_model=Charts,
    responses=CONDITIONAL_TABLE,
    dependencies=_PUBLIC,
)
async def public_miner_chart(
    request: Request,
    context: Ctx,
    account_name: AccountName,
    reach: ReachParam,
    running: RunningParam = False,
) -> Response:
    """Its chart, under its id."""
    row = await _open_miner(context, account_name)
    query = ChartQuery(Subject.MINER, (row["uid"],), reach, running)
    return await respond(request, _reader_of(row["id"]), query)


async def _open_pool(context: Context, uid: UUID) -> Row:
    row = await look_up.pool(context.database, uid)
    if row is None:
        raise NotFoundError("no such public pool")
    return row


async def _open_miner(context: Context, account_name: str) -> Row:
    row = await look_up.miner(context.database, account_name)
    if row is None:
        raise NotFoundError("no such public miner")
    return row


def _reader_of(entity_id: int) -> Caller:
    """Anybody, with the right to read what was found to be open."""
    return Caller(CallerKind.USER, "public", roles={entity_id: frozenset({Role.VIEWER})})


def _above(*, pool_id: int | None = None, miner_id: int | None = None) -> JsonObject:
    return {"pool_id": pool_id, "operator_id": None, "miner_id": miner_id}


def _stats(row: Row) -> orjson.Fragment:
    return orjson.Fragment(windows.stats_of(windows.sums_of(row)))


def _worker(row: Row) -> JsonObject:
    return {
        "name": row["name"],
        "status": row["status"],
        "last_share_at": rfc3339_or_none(row["last_share_at"]),
        "stats": _stats(row),
    }


def _decimal(row: Row, column: str) -> str | None:
    return None if row[column] is None else f"{row[column]:f}"
