"""Payments of miners, operators and pools: lists, a cursor, CSV."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.csv import payment_lines
from query_api.contract.money.payments import Payment, PaymentList, PaymentType
from query_api.contract.responses import CSV_FILE
from query_api.contract.shape import page_of
from query_api.dependencies import Context, Ctx, Who
from query_api.http.accept import CSV
from query_api.http.errors import InvalidInputError
from query_api.http.responses import begun, json_response
from query_api.http.timestamps import day_later, storable
from query_api.routes.params import DateOrTime, Limit, Offset
from query_api.store.money import payments
from schemas.access import EntityKind

router = APIRouter(tags=["payments"])
MINER, OPERATOR, POOL = EntityKind.MINER, EntityKind.OPERATOR, EntityKind.POOL

Types = Annotated[list[PaymentType] | None, Query(alias="type", description="Repeated; none: all.")]


class Asked:
    """Which payments, and which of them are on the page."""

    def __init__(
        self,
        types: Types = None,
        since: Annotated[
            UUID | DateOrTime | None,
            Query(
                description="A cursor: the id of the last payment seen, or a date-time. Payments "
                "booked after it come in the order of their booking. Beyond the document."
            ),
        ] = None,
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> None:
        self.types = types or list(PaymentType)
        self.since = _time(since) if isinstance(since, date) else since
        self.limit = limit
        self.offset = offset


class Exported:
    """Which payments go into a file: those booked in `[from, to)`."""

    def __init__(
        self,
        types: Types = None,
        start: Annotated[
            DateOrTime | None, Query(alias="from", description="From when on; at most 90 days.")
        ] = None,
        end: Annotated[DateOrTime | None, Query(alias="to", description="Until when.")] = None,
    ) -> None:
        self.types = types or list(PaymentType)
        self.start = start
        self.end = end

    def span(self, *, max_days: int, now: datetime) -> tuple[datetime, datetime]:
        """InvalidInputError for a span that is turned round or too long."""
        end = now if self.end is None else _time(self.end, whole=True)
        longest = timedelta(days=max_days)
        start = storable(end - longest) if self.start is None else _time(self.start)
        if start > end:
            raise InvalidInputError("query from: is after `to`")
        if end - start > longest:
            raise InvalidInputError(f"query from: more than {max_days} days before `to`")
        return start, end


Wanted = Annotated[Asked, Depends()]
Export = Annotated[Exported, Depends()]


@router.get("/miners/{miner_id}/payments", response_model=PaymentList)
async def miner_payments(context: Ctx, caller: Who, miner_id: UUID, asked: Wanted) -> Response:
    """The miner's payments, the newest first; with `since` those booked after it."""
    return await _page(context, caller, MINER, miner_id, asked)


@router.get("/operators/{operator_id}/payments", response_model=PaymentList)
async def operator_payments(
    context: Ctx, caller: Who, operator_id: UUID, asked: Wanted
) -> Response:
    """The operator's payments: a reward is the sum of a day's commissions."""
    return await _page(context, caller, OPERATOR, operator_id, asked)


@router.get("/pools/{pool_id}/payments", response_model=PaymentList)
async def pool_payments(context: Ctx, caller: Who, pool_id: UUID, asked: Wanted) -> Response:
    """The pool's payments: a reward is the sum of a day's commissions."""
    return await _page(context, caller, POOL, pool_id, asked)


@router.get("/miners/{miner_id}/payments/csv", responses=CSV_FILE)
async def miner_payments_csv(context: Ctx, caller: Who, miner_id: UUID, asked: Export) -> Response:
    """The miner's payments as a file, the earliest first: at most 90 days, UTC."""
    return await _file(context, caller, MINER, miner_id, asked)


@router.get("/operators/{operator_id}/payments/csv", responses=CSV_FILE)
async def operator_payments_csv(
    context: Ctx, caller: Who, operator_id: UUID, asked: Export
) -> Response:
    """The operator's payments as a file, the earliest first: at most 90 days, UTC."""
    return await _file(context, caller, OPERATOR, operator_id, asked)


@router.get("/pools/{pool_id}/payments/csv", responses=CSV_FILE)
async def pool_payments_csv(context: Ctx, caller: Who, pool_id: UUID, asked: Export) -> Response:
    """The pool's payments as a file, the earliest first: at most 90 days, UTC."""
    return await _file(context, caller, POOL, pool_id, asked)


async def _page(
    context: Context, caller: Caller, kind: EntityKind, uid: UUID, asked: Asked
) -> Response:
    found = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_PAYMENTS)
    bounds = {"limit": asked.limit, "offset": asked.offset}
    if asked.since is None:
        rows, total = await payments.page(context.database, found.id, asked.types, **bounds)
    else:
        rows, total = await payments.page_since(
            context.database, found.id, asked.types, since=asked.since, **bounds
        )
    items = [Payment.from_row(row) for row in rows]
    return json_response(page_of(items, **bounds, total_count=total))


async def _file(
    context: Context, caller: Caller, kind: EntityKind, uid: UUID, asked: Exported
) -> Response:
    found = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_PAYMENTS)
    start, end = asked.span(max_days=context.config.money.export_max_days, now=datetime.now(UTC))
    pieces = await begun(
        payments.between(context.database, found.id, asked.types, start=start, end=end)
    )
    name = f"payments-{start:%Y-%m-%d}-{end:%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(payment_lines(pieces), media_type=CSV, headers=headers)


def _time(moment: date | datetime, *, whole: bool = False) -> datetime:
    """A date is its whole day, `whole` the end of it."""
    if isinstance(moment, datetime):
        return storable(moment)
    start = storable(datetime(moment.year, moment.month, moment.day, tzinfo=UTC))
    return day_later(start) if whole else start
