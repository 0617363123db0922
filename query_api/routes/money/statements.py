"""Monthly statements of miners, operators and pools."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from query_api.auth.caller import Caller
from query_api.auth.entity_access import entity_for
from query_api.auth.rights import Action
from query_api.contract.money.statements import (
    MonthlyStatement,
    statement_csv,
    statement_html,
    statement_json,
)
from query_api.contract.responses import Responses
from query_api.dependencies import Context, Ctx, Who
from query_api.http.accept import CSV, HTML, preferred
from query_api.http.responses import json_response
from query_api.store.money import explanations, statements
from schemas.access import EntityKind

router = APIRouter(tags=["payments"])
MINER, OPERATOR, POOL = EntityKind.MINER, EntityKind.OPERATOR, EntityKind.POOL
PAGES: Final[Responses] = {
    200: {
        "content": {
            HTML: {"schema": {"type": "string"}},
            CSV: {"schema": {"type": "string"}},
        }
    }
}
Month = Annotated[
    str,
    Path(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", description="UTC.", examples=["2026-11"]),
]


@router.get(
    "/miners/{miner_id}/statements/{month}", response_model=MonthlyStatement, responses=PAGES
)
async def miner_statement(
    request: Request, context: Ctx, caller: Who, miner_id: UUID, month: Month
) -> Response:
    """A month of payments, with the balance before and after. `Accept: text/html` is a page that
    prints well, `text/csv` a file. Beyond the document."""
    return await _statement(request, context, caller, MINER, miner_id, month)


@router.get(
    "/operators/{operator_id}/statements/{month}", response_model=MonthlyStatement, responses=PAGES
)
async def operator_statement(
    request: Request, context: Ctx, caller: Who, operator_id: UUID, month: Month
) -> Response:
    """The same for an operator."""
    return await _statement(request, context, caller, OPERATOR, operator_id, month)


@router.get("/pools/{pool_id}/statements/{month}", response_model=MonthlyStatement, responses=PAGES)
async def pool_statement(
    request: Request, context: Ctx, caller: Who, pool_id: UUID, month: Month
) -> Response:
    """The same for a pool."""
    return await _statement(request, context, caller, POOL, pool_id, month)


async def _statement(
    request: Request,
    context: Context,
    caller: Caller,
    kind: EntityKind,
    uid: UUID,
    month: str,
) -> Response:
    found = await entity_for(context, caller, kind=kind, uid=uid, action=Action.READ_PAYMENTS)
    first = date.fromisoformat(f"{month}-01")
    statement = await statements.statement(context.database, found.id, first)
    named = await explanations.entity(context.database, found.id)
    assert named is not None  # it was found a moment ago
    wanted = preferred(request.headers.get("accept", ""), HTML, CSV)
    if wanted == HTML:
        return Response(statement_html(statement, name=named["name"]), media_type=HTML)
    if wanted == CSV:
        headers = {"Content-Disposition": f'attachment; filename="statement-{month}.csv"'}
        return Response(statement_csv(statement), media_type=CSV, headers=headers)
    return json_response(statement_json(statement, uid=found.uid, name=named["name"]))
