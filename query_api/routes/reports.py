"""Daily reports, as JSON or as a CSV attachment."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from query_api import reports
from query_api.access import entity_for
from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.context import Context, Ctx, Who
from query_api.edge import no_deadline
from query_api.reports import Report
from query_api.respond import JSON, as_of_headers, begun
from query_api.routes.params import Day
from query_api.store.availability import availability_from
from schemas.access import EntityKind

router = APIRouter(prefix="/miners", tags=["reports"])
CSV = "text/csv"


class Asked:
    """The days of a report, both inclusive; none: the last seven complete days."""

    def __init__(
        self,
        request: Request,
        first: Annotated[Day | None, Query(alias="from", description="First day, UTC.")] = None,
        last: Annotated[Day | None, Query(alias="to", description="Last day, UTC.")] = None,
    ) -> None:
        self.request = request
        self.first = first
        self.last = last

    @property
    def wants_csv(self) -> bool:
        return CSV in self.request.headers.get("accept", "")


Wanted = Annotated[Asked, Depends()]


async def _report(
    context: Context, caller: Caller, report: Report, *, miner_uid: UUID, asked: Asked
) -> Response:
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_uid, action=Action.READ_TELEMETRY
    )
    beat = await context.watch.current()
    days = reports.days_of(
        asked.first,
        asked.last,
        complete_to_s=beat.complete_to_s,
        max_days=context.config.report_max_days,
    )
    availability = availability_from(context.database, as_of=beat.stream_time)
    frames = await begun(
        reports.frames(context.database, report, miner.id, days=days, availability=availability)
    )
    headers = as_of_headers(context, beat)
    no_deadline(asked.request.scope)
    if asked.wants_csv:
        name = f"daily-report-{days.first}-{days.last}.csv"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return StreamingResponse(reports.as_csv(frames), media_type=CSV, headers=headers)
    body = reports.as_json(frames, days=days, complete_to_s=beat.complete_to_s)
    return StreamingResponse(body, media_type=JSON, headers=headers)


@router.get("/{miner_id}/workers/daily-report")
async def workers_daily_report(
    context: Ctx, caller: Who, miner_id: UUID, asked: Wanted
) -> Response:
    """Hashrate and rejectrate of each worker on each UTC day; `Accept: text/csv` for a file."""
    return await _report(context, caller, Report.MINER, miner_uid=miner_id, asked=asked)


@router.get("/{miner_donor_id}/boundary-workers/daily-report")
async def donor_daily_report(
    context: Ctx, caller: Who, miner_donor_id: UUID, asked: Wanted
) -> Response:
    """The same for the boundary workers of which the miner is donor."""
    return await _report(context, caller, Report.DONOR, miner_uid=miner_donor_id, asked=asked)
