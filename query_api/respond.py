"""From an answer to a response: rights, freshness headers, 304."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from contextlib import aclosing, suppress
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request, Response

from query_api.answers import Load
from query_api.auth.caller import NO_RIGHT, Caller
from query_api.auth.rights import Action
from query_api.beat import Beat
from query_api.context import Context
from query_api.errors import ForbiddenError, UnavailableError
from query_api.series import rfc3339

JSON: Final = "application/json"
VARY: Final = (
    "Cookie, Authorization, X-Session-Token, X-Watcher-Token, X-Headframe-API-Key, Accept-Encoding"
)
STALE: Final = '110 - "figures are stale"'


T = TypeVar("T")


class JsonResponse(Response):
    """Bytes that are JSON already."""

    media_type = JSON


def json_response(value: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(orjson.dumps(value), status)


def no_content() -> Response:
    return Response(status_code=204)


async def begun(items: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    """The same items, the first of which is made at once: what goes wrong with it still has a
    status of its own, where a stream that has begun can only break off."""
    first = await anext(items)

    async def whole() -> AsyncIterator[T]:
        async with aclosing(items):
            yield first
            async for item in items:
                yield item

    return whole()


def as_of_headers(context: Context, beat: Beat) -> dict[str, str]:
    """`X-As-Of`, and the warning when the figures are old."""
    headers = {"X-As-Of": rfc3339(beat.stream_time)}
    if beat.age_s(time.time()) > context.config.cache.stale_after_s:
        headers["Warning"] = STALE
    return headers


def max_age_s(interval_s: int, *, due_s: int, phase_s: int, now_s: float) -> int:
    """Seconds until the next interval is due; 1 when it is overdue."""
    return min(interval_s, max(1, int(due_s + phase_s - now_s)))


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
    *,
    context: Context,
    action: Action,
    key: Hashable,
    load: Load,
    what: str,
    single: bool = False,
) -> Response:
    """Answer with what the caller may see of `key`; 404 or 403 when that is nothing."""
    answer = await context.answers.get(key, load)
    visible = answer.visible(caller, action)
    if not visible:
        if answer.parts:
            raise ForbiddenError(NO_RIGHT)
        caller.refuse_missing(what)
    rendered = context.answers.rendered(key, answer, visible, single=single)
    phase_s = context.config.cache.beat_phase_s
    age = max_age_s(answer.interval_s, due_s=answer.due_s, phase_s=phase_s, now_s=time.time())
    headers = as_of_headers(context, answer.beat)
    headers["ETag"] = rendered.etag
    headers["Cache-Control"] = f"private, max-age={age}"
    headers["Vary"] = VARY
    if matches(request.headers.get("if-none-match"), rendered.etag):
        return Response(status_code=304, headers=headers)
    return JsonResponse(rendered.body, headers=headers)


def json_as_of(context: Context, beat: Beat | None, value: Any, status: int = 200) -> JsonResponse:
    """JSON with the age of its figures, where there are figures yet."""
    response = json_response(value, status)
    if beat is not None:
        response.headers.update(as_of_headers(context, beat))
    return response


async def json_as_known(context: Context, value: Any, status: int = 200) -> JsonResponse:
    """The same, for what was not read together with the beat: as of the newest one known here."""
    beat = None
    with suppress(UnavailableError):
        beat = await context.watch.current()
    return json_as_of(context, beat, value, status)
