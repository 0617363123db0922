"""One worker: read it, when it was stable, remove it by hand."""

from __future__ import annotations

import secrets
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from query_api.auth.caller import scope_of, worker_scopes
from query_api.auth.rights import Action
from query_api.contract.responses import CONFLICT
from query_api.contract.worker_labels import Labels
from query_api.contract.workers import (
    Availability,
    Hardware,
    ListedWorker,
    RandomName,
    WorkerDetails,
)
from query_api.dependencies import Ctx, Who
from query_api.http.errors import ConflictError
from query_api.http.responses import json_as_of, json_response, no_content
from query_api.routes.params import Day
from query_api.store import worker_labels, workers
from query_api.telemetry import reports, worker_shares
from query_api.telemetry.availability import availability_by_day, uptime
from query_api.telemetry.version import version_of
from query_api.worker_index.random_names import random_name
from schemas.worker import Behavior

router = APIRouter(prefix="/workers", tags=["workers"])


@router.get("/random-name", response_model=RandomName)
async def random_worker_name(caller: Who) -> Response:
    """A name that nobody is likely to have; usable as an account name, too."""
    return json_response({"name": random_name(secrets.token_bytes(4))})


@router.get("/{worker_id}", response_model=WorkerDetails)
async def worker(context: Ctx, caller: Who, worker_id: UUID) -> Response:
    """One worker as in a list, its shares as counts, its uptime, its best share and its mining
    software. A boundary worker's labels are those of its recipient."""
    row = await workers.worker(context.database, worker_id)
    if row is None:
        caller.refuse_missing("worker")
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    version = version_of(row)
    normals = await worker_shares.normals(context.database, [row], version)
    labels = None
    if caller.may(Action.READ_LABELS, scope_of(row)):
        known = await worker_labels.of_workers(context.database, [row["id"]])
        labels = Labels.from_row(known.get(row["id"]))
    body = {
        **ListedWorker.listed(row, normals[row["id"]], labels),
        "hardware": Hardware.from_row(row),
        "shares": None,
        "uptime": None,
    }
    if version is not None:
        body["shares"] = await worker_shares.share_counts(context.database, worker_id, version)
        body["uptime"] = await uptime(context.database, row["id"], as_of=version.stream_time)
    return json_as_of(context, version, body)


@router.get("/{worker_id}/availability", response_model=Availability)
async def worker_availability(
    context: Ctx,
    caller: Who,
    worker_id: UUID,
    first: Annotated[Day | None, Query(alias="from", description="First day, UTC.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last day, UTC.")] = None,
) -> Response:
    """How much of each UTC day the worker was stable, as in the daily report; the default is the
    last seven complete days. A day that is not over counts up to now."""
    row = await workers.worker(context.database, worker_id)
    if row is None:
        caller.refuse_missing("worker")
    caller.require(Action.READ_TELEMETRY, *worker_scopes(row))
    version = await context.version_poller.current()
    days = reports.days_of(
        first,
        last,
        watermark_s=version.watermark_s,
        max_days=context.config.reports.max_days,
    )
    known = await availability_by_day(context.database, row["id"], days, as_of=version.stream_time)
    data = [
        {
            "date": day.isoformat(),
            "complete": reports.is_complete(day, version.watermark_s),
            "availability": known.get(day),
        }
        for day in days
    ]
    span = {"from": days.first.isoformat(), "to": days.last.isoformat()}
    return json_as_of(context, version, span | {"data": data})


@router.delete("/{worker_id}", status_code=204, responses=CONFLICT)
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
