"""From an answer to a response: rights, freshness headers, 304."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from query_api.auth.caller import NO_RIGHT, Caller
from query_api.auth.rights import Action
from query_api.dependencies import Context, context_of
from query_api.http.errors import ForbiddenError, UnavailableError
from query_api.http.timestamps import rfc3339
from query_api.telemetry.query import TelemetryQuery
from query_api.telemetry.version import FiguresVersion
from schemas.windows import MINUTE_S

VARY: Final = (
    "Cookie, Authorization, X-Session-Token, X-Watcher-Token, X-Headframe-API-Key, "
    "Accept, Accept-Encoding"
)
STALE: Final = '110 - "figures are stale"'


T = TypeVar("T")


class JsonResponse(JSONResponse):
    """Bytes that are JSON already. FastAPI documents `response_model` for this base alone."""

    def render(self, content: bytes) -> bytes:
        return content


def json_response(value: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(orjson.dumps(value), status)


def no_content() -> Response:
    return Response(status_code=204)


async def begun(items: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    """The same items, the first of which is made at once: what goes wrong with it still has a
    status of its own; a stream that has begun can only break off."""
    first = await anext(items)

    async def whole() -> AsyncIterator[T]:
        async with aclosing(items):
            yield first
            async for item in items:
                yield item

    return whole()


def as_of_headers(context: Context, version: FiguresVersion) -> dict[str, str]:
    """`X-As-Of`, and the warning when the figures are old."""
    headers = {"X-As-Of": rfc3339(version.stream_time)}
    if version.age_s(time.time()) > context.config.cache.stale_after_s:
        headers["Warning"] = STALE
    return headers


def max_age_s(version: FiguresVersion, *, phase_s: int, now_s: float) -> int:
    """Seconds until the next figures are due; 1 when they are overdue. Late shares change a chart
    of a week, too, and an ETag makes it cheap to ask again."""
    due_s = version.watermark_s + MINUTE_S + phase_s
    return min(MINUTE_S, max(1, int(due_s - now_s)))


def matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return etag.removeprefix("W/") in tags


async def respond(
    request: Request,
    caller: Caller,
    query: TelemetryQuery,
    *,
    action: Action = Action.READ_TELEMETRY,
) -> Response:
    """What the caller may see of the answer; 404 or 403 when that is nothing."""
    # Not a dependency of the routes: FastAPI takes 30 µs for one.
    context = context_of(request)
    answer = await context.response_cache.get(query)
    visible = answer.visible(caller, action)
    if not visible:
        if answer.by_uid:
            raise ForbiddenError(NO_RIGHT)
        caller.refuse_missing(query.subject.noun)
    body = context.response_cache.body(query, answer, visible)
    phase_s = context.config.cache.cycle_phase_s
    age_s = max_age_s(answer.version, phase_s=phase_s, now_s=time.time())
    headers = as_of_headers(context, answer.version)
    headers["ETag"] = body.etag
    headers["Cache-Control"] = f"private, max-age={age_s}"
    headers["Vary"] = VARY
    if matches(request.headers.get("if-none-match"), body.etag):
        return Response(status_code=304, headers=headers)
    return JsonResponse(body.data, headers=headers)


def json_as_of(
    context: Context, version: FiguresVersion | None, value: Any, status: int = 200
) -> JsonResponse:
    """JSON with the age of its figures, if there are figures yet."""
    response = json_response(value, status)
    if version is not None:
        response.headers.update(as_of_headers(context, version))
    return response


async def json_as_known(context: Context, value: Any, status: int = 200) -> JsonResponse:
    """The same for what was not read together with the figures: as of the newest version known."""
    version = None
    with suppress(UnavailableError):
        version = await context.version_poller.current()
    return json_as_of(context, version, value, status)
