"""What the gateway answers: JSON bodies and the error envelope of the HTTP contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from schemas.error_envelope import error_body
from schemas.topics import InvalidReason


class GatewayError(Exception):
    """Becomes an answer with the error envelope."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


def json_answer(
    content: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def accepted(count: int, rejected: Sequence[tuple[int, InvalidReason]]) -> Response:
    """The answer to shares that the broker has."""
    rows = [{"index": index, "reason": reason.value} for index, reason in rejected]
    return json_answer({"accepted": count, "rejected": rows}, HTTPStatus.ACCEPTED)


def install_errors(app: FastAPI) -> None:
    """Give every failure of the app the envelope."""

    @app.exception_handler(GatewayError)
    async def _ours(_request: Request, error: GatewayError) -> Response:
        retry = error.retry_after_s
        headers = None if retry is None else {"Retry-After": str(retry)}
        return _refused(error.status, error.message, headers, error.code)

    @app.exception_handler(HTTPException)
    async def _framework(_request: Request, error: HTTPException) -> Response:
        return _refused(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def _unforeseen(_request: Request, _error: Exception) -> Response:
        # The server logs the traceback; nothing of it leaks.
        return _refused(500, "internal error")


def _refused(
    status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None
) -> Response:
    body = error_body(status, message, code)
    return Response(body, status, dict(headers or {}), media_type="application/json")
