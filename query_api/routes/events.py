"""Changes of status: as a list, and live as Server-Sent Events."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from query_api.access import entity_for
from query_api.auth.caller import Scope
from query_api.auth.rights import Action
from query_api.context import Context, Ctx, Who
from query_api.database import Row
from query_api.edge import no_deadline
from query_api.errors import ApiError, UnavailableError
from query_api.moments import BEGINNING, END, storable
from query_api.payload import event_item, page_of, transition_item
from query_api.reports import day_start
from query_api.respond import begun, json_as_known
from query_api.routes.params import MAX_IDS, Limit, Moment, Offset
from query_api.store import events
from query_api.store.entities import Entity
from query_api.store.events import TransitionQuery
from schemas.access import EntityKind

router = APIRouter(tags=["events"])

LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1)]


def _moment(value: datetime | date | None, *, default: datetime, end: bool) -> datetime:
    if value is None:
        return default
    if isinstance(value, datetime):
        return storable(value)
    start = storable(day_start(value))
    return start + timedelta(days=1) if end and start < END else start


@router.get("/miners/{miner_id}/workers/status-transitions")
async def status_transitions(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    first: Annotated[
        Moment | None, Query(alias="from", description="A date or a date-time, inclusive.")
    ] = None,
    last: Annotated[
        Moment | None,
        Query(alias="to", description="A date, inclusive, or a date-time, exclusive."),
    ] = None,
    ids: Annotated[list[UUID] | None, Query(alias="id", max_length=MAX_IDS)] = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """What changed status when, newest first; of all the miner's workers, or of those listed."""
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_id, action=Action.READ_TELEMETRY
    )
    query = TransitionQuery(
        _moment(first, default=BEGINNING, end=False),
        _moment(last, default=END, end=True),
        ids or (),
        limit,
        offset,
    )
    rows, total_count = await events.transitions(context.database, miner.id, query)
    items = [transition_item(row) for row in rows]
    page = page_of(items, limit=limit, offset=offset, total_count=total_count)
    return await json_as_known(context, page)


@router.get("/miners/{miner_id}/workers/events", response_class=EventSourceResponse)
async def live_events(
    request: Request,
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    last_event_id: LastEventId = None,
) -> Response:
    """Changes of status as they come, as Server-Sent Events. After a break the browser sends
    `Last-Event-ID` by itself, and nothing is missed."""
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_id, action=Action.READ_TELEMETRY
    )
    return await _live(request, context, miner, last_event_id)


@router.get("/pools/{pool_id}/workers/events", response_class=EventSourceResponse)
async def pool_live_events(
    request: Request,
    context: Ctx,
    caller: Who,
    pool_id: UUID,
    last_event_id: LastEventId = None,
) -> Response:
    """The same for the whole pool, each change with its miner, and what stratum servers did:
    `source-silent` and `source-back`. Beyond the seed."""
    pool = await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.READ_TELEMETRY
    )
    return await _live(request, context, pool, last_event_id)


async def _live(
    request: Request, context: Context, entity: Entity, last_event_id: int | None
) -> EventSourceResponse:
    stream = await begun(_stream(request, context, entity, last_event_id))
    no_deadline(request.scope)
    return EventSourceResponse(
        stream,
        ping=10**6,  # the stream's own heartbeat also looks whether the caller may still listen
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    request: Request, context: Context, entity: Entity, last_event_id: int | None
) -> AsyncGenerator[ServerSentEvent, None]:
    item = event_item if entity.kind is EntityKind.POOL else transition_item
    async with context.feed.reader(entity.id) as (reader, sequence):
        yield ServerSentEvent(comment="listening")
        if last_event_id is not None:
            async for row in _missed(context, entity, last_event_id, sequence):
                yield _event(row, item(row))
        heartbeat_s = context.config.events.heartbeat_s
        heartbeat_at_s = time.monotonic() + heartbeat_s
        while not reader.cut:
            found = await reader.next(timeout_s=heartbeat_at_s - time.monotonic())
            if found is not None and found["sequence"] > sequence:
                yield _event(found, item(found))
            # Also between events that come closer together than heartbeats.
            if time.monotonic() >= heartbeat_at_s and not reader.cut:
                if not await _still_allowed(request, context, entity.scope):
                    return
                yield ServerSentEvent(comment="heartbeat")
                heartbeat_at_s = time.monotonic() + heartbeat_s


async def _missed(context: Context, entity: Entity, after: int, up_to: int) -> AsyncIterator[Row]:
    while rows := await events.of_entity(
        context.database, entity, after=after, up_to=up_to, limit=1_000
    ):
        for row in rows:
            yield row
        after = rows[-1]["sequence"]


async def _still_allowed(request: Request, context: Context, scope: Scope) -> bool:
    """A watcher link may have been revoked since. While nobody can be asked, the stream stays."""
    try:
        caller = await context.authenticator.caller_of(request)
    except UnavailableError:
        return True
    except ApiError:
        return False
    return caller.may(Action.READ_TELEMETRY, scope)


def _event(row: Row, item: Mapping[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(orjson.dumps(item).decode(), id=str(row["sequence"]), event=row["kind"])
