"""What one process of the API shares between requests, and how a route gets at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from query_api.answers import AnswerCache
from query_api.auth.authenticate import Authenticator
from query_api.auth.caller import Caller
from query_api.batches import Batches
from query_api.beat import BeatWatch
from query_api.config import ApiConfig
from query_api.database import Database
from query_api.errors import UnauthorizedError
from query_api.feed import EventFeed
from query_api.limits import RateLimits
from query_api.ranking import Ranking
from query_api.strict import refuse_unknown_parameters


@dataclass(frozen=True, slots=True)
class Context:
    """Built by the lifespan, closed by it; lives in `app.state.context`."""

    config: ApiConfig
    database: Database
    watch: BeatWatch
    batches: Batches
    answers: AnswerCache
    authenticator: Authenticator
    limits: RateLimits
    feed: EventFeed
    ranking: Ranking


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
    context.limits.count_caller(caller)
    refuse_unknown_parameters(request)
    return caller


async def anonymous(request: Request) -> None:
    """For routes without a credential."""
    refuse_unknown_parameters(request)


async def _context(request: Request) -> Context:
    # A coroutine: FastAPI runs plain functions in a thread, which costs 50 µs.
    return context_of(request)


Ctx = Annotated[Context, Depends(_context)]
Who = Annotated[Caller, Depends(authenticated)]
