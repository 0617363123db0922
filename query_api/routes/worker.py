"""One worker: read it, when it was stable, remove it by hand."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api import reports
from query_api.auth.caller import scope_of, worker_scopes
from query_api.auth.rights import Action
from query_api.beat import beat_of
from query_api.context import Ctx, Who
from query_api.errors import ConflictError
from query_api.payload import worker_item
from query_api.respond import json_as_of, no_content
from query_api.routes.params import Day
from query_api.store import workers
from query_api.store.availability import availability_by_day
from schemas.worker import Behavior

router = APIRouter(prefix="/workers", tags=["workers"])


@router.get("/{worker_id}")
async def worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """One worker, as in a list."""
    row = await workers.worker(context.database, worker_id)
    if row is None:
        caller.refuse_missing("worker")
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    return json_as_of(context, beat_of(row), worker_item(row))


@router.get("/{worker_id}/availability")
async def worker_availability(
    context: Ctx,
    caller: Who,
    worker_id: UUID,
    first: Annotated[Day | None, Query(alias="from", description="First day, UTC.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last day, UTC.")] = None,
) -> Response:
    """How much of each UTC day the worker was stable, as in the daily report; the default is the
    last seven complete days. A day that is not over counts up to now. Beyond the seed."""
    row = await workers.worker(context.database, worker_id)
    if row is None:
        caller.refuse_missing("worker")
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    beat = await context.watch.current()
    days = reports.days_of(
        first,
        last,
        complete_to_s=beat.complete_to_s,
        max_days=context.config.report_max_days,
    )
    known = await availability_by_day(context.database, row["id"], days, as_of=beat.stream_time)
    data = [
        {
            "date": day.isoformat(),
            "complete": reports.is_complete(day, beat.complete_to_s),
            "availability": known.get(day),
        }
        for day in days
    ]
    span = {"from": days.first.isoformat(), "to": days.last.isoformat()}
    return json_as_of(context, beat, span | {"data": data})


@router.delete("/{worker_id}", status_code=204)
async def remove_worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """Remove a hardware worker by hand; it comes back with its next share."""
    row = await workers.worker(context.database, worker_id)
    if row is None:
        caller.refuse_missing("worker")
    caller.require(Action.CHANGE, scope_of(row))
    if row["behavior"] != Behavior.HARDWARE:
        raise ConflictError("a boundary worker is disconnected at /workers/boundary/{worker_id}")
    await workers.remove(context.database, row["id"])
    return no_content()
