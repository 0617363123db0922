"""What one process of the API shares between requests, and how a route gets at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from query_api.auth.authenticate import Authenticator
from query_api.auth.caller import Caller
from query_api.auth.kratos_admin import KratosAdmin
from query_api.config import ApiConfig
from query_api.database import Database
from query_api.events.live import LiveEvents
from query_api.http.errors import UnauthorizedError
from query_api.http.middleware import QUOTA
from query_api.http.query_params import check_query
from query_api.http.rate_limits import RateLimits, Slots
from query_api.store.people.invitations import Invitations
from query_api.telemetry.response_cache import ResponseCache
from query_api.telemetry.version import VersionPoller
from query_api.worker_index.index import WorkerIndex
from schemas.sealing import Seal


@dataclass(frozen=True, slots=True)
class Context:
    """Built by the lifespan, closed by it; lives in `app.state.context`."""

    config: ApiConfig
    database: Database
    version_poller: VersionPoller
    response_cache: ResponseCache
    authenticator: Authenticator
    limits: RateLimits
    live_events: LiveEvents
    report_slots: Slots
    worker_index: WorkerIndex
    kratos_admin: KratosAdmin
    invitations: Invitations
    seal: Seal


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def address_of(request: Request) -> str:
    client = request.client
    return "unknown" if client is None else client.host


async def authenticated(request: Request) -> Caller:
    """401 for nobody, 429 for too often, before anything else is looked at."""
    context = context_of(request)
    try:
        caller = await context.authenticator.caller_of(request)
    except UnauthorizedError:
        context.limits.count_failure(address_of(request))
        raise
    quota = context.limits.count_caller(caller)
    if quota is not None:
        request.scope[QUOTA] = quota
    check_query(request)
    return caller


async def anonymous(request: Request) -> None:
    """For routes without a credential."""
    check_query(request)


async def looking_up(request: Request) -> None:
    """For figures without a credential, which few may ask for at a time."""
    quota = context_of(request).limits.count_look_up(address_of(request))
    if quota is not None:
        request.scope[QUOTA] = quota
    check_query(request)


async def _context(request: Request) -> Context:
    # A coroutine: FastAPI runs plain functions in a thread, which costs 50 µs.
    return context_of(request)


Ctx = Annotated[Context, Depends(_context)]
Who = Annotated[Caller, Depends(authenticated)]
