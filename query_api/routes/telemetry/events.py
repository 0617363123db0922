"""Changes of status: as a list, and live as Server-Sent Events."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.events import Transition, TransitionList, pool_event
from query_api.contract.responses import EVENT_STREAM, TABLE_TOO
from query_api.contract.shape import page_of
from query_api.database import Row
from query_api.dependencies import Context, Ctx, Who, address_of
from query_api.http.errors import ApiError, UnavailableError
from query_api.http.middleware import no_deadline
from query_api.http.rate_limits import network_of
from query_api.http.responses import begun, json_as_known
from query_api.http.tables import TableRoute
from query_api.http.timestamps import BEGINNING, END, day_later, storable
from query_api.routes.params import MAX_IDS, DateOrTime, Limit, Offset
from query_api.store import entities, events
from query_api.store.entities import Entity
from query_api.store.events import TransitionQuery
from query_api.telemetry.reports import day_start
from schemas.access import EntityKind

router = APIRouter(tags=["events"], route_class=TableRoute)

LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1)]


def _timestamp(value: datetime | date | None, *, default: datetime, end: bool) -> datetime:
    if value is None:
        return default
    if isinstance(value, datetime):
        return storable(value)
    start = storable(day_start(value))
    return day_later(start) if end else start


@router.get(
    "/miners/{miner_id}/workers/status-transitions",
    response_model=TransitionList,
    responses=TABLE_TOO,
)
async def status_transitions(
    context: Ctx,
    caller: Who,
    miner_id: UUID,
    first: Annotated[
        DateOrTime | None, Query(alias="from", description="A date or a date-time, inclusive.")
    ] = None,
    last: Annotated[
        DateOrTime | None,
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
        _timestamp(first, default=BEGINNING, end=False),
        _timestamp(last, default=END, end=True),
        ids or (),
        limit,
        offset,
    )
    rows, total_count = await events.transitions(context.database, miner.id, query)
    items = [Transition.from_row(row) for row in rows]
    page = page_of(items, limit=limit, offset=offset, total_count=total_count)
    return await json_as_known(context, page)


@router.get(
    "/miners/{miner_id}/workers/events",
    response_class=EventSourceResponse,
    responses=EVENT_STREAM,
)
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
    return await _live(request, context, caller, entity=miner, last_event_id=last_event_id)


@router.get(
    "/pools/{pool_id}/workers/events",
    response_class=EventSourceResponse,
    responses=EVENT_STREAM,
)
async def pool_live_events(
    request: Request,
    context: Ctx,
    caller: Who,
    pool_id: UUID,
    last_event_id: LastEventId = None,
) -> Response:
    """The same for the whole pool, each change with its miner, and what stratum servers did:
    `source-silent` and `source-back`."""
    pool = await entity_for(
        context, caller, kind=EntityKind.POOL, uid=pool_id, action=Action.READ_TELEMETRY
    )
    return await _live(request, context, caller, entity=pool, last_event_id=last_event_id)


async def _live(
    request: Request,
    context: Context,
    caller: Caller,
    *,
    entity: Entity,
    last_event_id: int | None,
) -> EventSourceResponse:
    stream = await begun(
        _stream(request, context, caller, entity=entity, last_event_id=last_event_id)
    )
    no_deadline(request.scope)
    return EventSourceResponse(
        stream,
        ping=10**6,  # the stream's own heartbeat also looks whether the caller may still listen
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    request: Request,
    context: Context,
    caller: Caller,
    *,
    entity: Entity,
    last_event_id: int | None,
) -> AsyncGenerator[ServerSentEvent, None]:
    item = pool_event if entity.kind is EntityKind.POOL else Transition.from_row
    names = caller.shares and (*caller.shares, network_of(address_of(request)))
    async with context.live_events.reader(entity.id, names=names) as (reader, sequence):
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
                if not await _still_allowed(request, context, entity):
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


async def _still_allowed(request: Request, context: Context, entity: Entity) -> bool:
    """A watcher link may have been revoked since, or the miner have moved to another operator.
    While nobody can be asked, the stream stays."""
    try:
        caller = await context.authenticator.caller_of(request)
        found = await entities.find(context.database, entity.kind, entity.uid)
    except UnavailableError:
        return True
    except ApiError:
        return False
    return found is not None and caller.may(Action.READ_TELEMETRY, found.scope)


def _event(row: Row, item: Mapping[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(orjson.dumps(item).decode(), id=str(row["sequence"]), event=row["kind"])
