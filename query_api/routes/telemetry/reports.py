"""Daily reports, as JSON or as a CSV attachment."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.responses import CSV_TOO
from query_api.contract.workers import DailyReport
from query_api.dependencies import Context, Ctx, Who
from query_api.http.accept import CSV, JSON, preferred
from query_api.http.errors import UnavailableError
from query_api.http.middleware import no_deadline
from query_api.http.rate_limits import Slots
from query_api.http.responses import as_of_headers, begun
from query_api.routes.params import Day
from query_api.telemetry import reports
from query_api.telemetry.availability import availability_from
from query_api.telemetry.reports import Piece, Report
from schemas.access import EntityKind

router = APIRouter(prefix="/miners", tags=["reports"])


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
        return preferred(self.request.headers.get("accept", ""), CSV) == CSV


Wanted = Annotated[Asked, Depends()]


async def _report(
    context: Context, caller: Caller, report: Report, *, miner_uid: UUID, asked: Asked
) -> Response:
    miner = await entity_for(
        context, caller, kind=EntityKind.MINER, uid=miner_uid, action=Action.READ_TELEMETRY
    )
    version = await context.version_poller.current()
    days = reports.days_of(
        asked.first,
        asked.last,
        watermark_s=version.watermark_s,
        max_days=context.config.reports.max_days,
    )
    availability = availability_from(context.database, as_of=version.stream_time)
    pieces = reports.pieces(
        context.database,
        report,
        miner.id,
        days=days,
        as_of=version.stream_time,
        availability=availability,
        rows_at_once=context.config.reports.rows_at_once,
    )
    parts = await begun(_in_slot(context.report_slots, caller, pieces))
    headers = as_of_headers(context, version)
    no_deadline(asked.request.scope)
    if asked.wants_csv:
        name = f"daily-report-{days.first}-{days.last}.csv"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return StreamingResponse(reports.as_csv(parts), media_type=CSV, headers=headers)
    body = reports.as_json(parts, days=days, watermark_s=version.watermark_s)
    return StreamingResponse(body, media_type=JSON, headers=headers)


async def _in_slot(
    slots: Slots, caller: Caller, pieces: AsyncGenerator[Piece, None]
) -> AsyncGenerator[Piece, None]:
    """The pieces, while one of the few slots is held; UnavailableError if there is none."""
    if not slots.take(*caller.shares):
        raise UnavailableError("enough reports are being written", retry_after_s=10)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
    finally:
        slots.give_back(*caller.shares)


@router.get("/{miner_id}/workers/daily-report", response_model=DailyReport, responses=CSV_TOO)
async def workers_daily_report(
    context: Ctx, caller: Who, miner_id: UUID, asked: Wanted
) -> Response:
    """Hashrate and rejectrate of each worker on each UTC day; `Accept: text/csv` for a file."""
    return await _report(context, caller, Report.MINER, miner_uid=miner_id, asked=asked)


@router.get(
    "/{miner_donor_id}/boundary-workers/daily-report", response_model=DailyReport, responses=CSV_TOO
)
async def donor_daily_report(
    context: Ctx, caller: Who, miner_donor_id: UUID, asked: Wanted
) -> Response:
    """The same for the boundary workers of which the miner is donor."""
    return await _report(context, caller, Report.DONOR, miner_uid=miner_donor_id, asked=asked)
