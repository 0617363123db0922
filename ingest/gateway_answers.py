"""What the gateway answers: JSON bodies and the error envelope of the HTTP contract."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from schemas.topics import Reason

_CODES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
}


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


def accepted(count: int, rejected: Sequence[tuple[int, Reason]]) -> Response:
    """The answer to shares that the broker has."""
    rows = [{"index": index, "reason": reason.value} for index, reason in rejected]
    return json_answer({"accepted": count, "rejected": rows}, HTTPStatus.ACCEPTED)


def install_errors(app: FastAPI) -> None:
    """Give every failure of the app the envelope."""

    @app.exception_handler(GatewayError)
    async def _ours(_request: Request, error: GatewayError) -> Response:
        retry = error.retry_after_s
        headers = None if retry is None else {"Retry-After": str(retry)}
        return json_answer(_envelope(error.code, error.message), error.status, headers)

    @app.exception_handler(HTTPException)
    async def _framework(_request: Request, error: HTTPException) -> Response:
        code = _CODES.get(HTTPStatus(error.status_code), "invalid_input")
        headers = dict(error.headers or {})
        return json_answer(_envelope(code, str(error.detail)), error.status_code, headers)

    @app.exception_handler(Exception)
    async def _unforeseen(_request: Request, _error: Exception) -> Response:
        # The server logs the traceback; nothing of it leaks.
        return json_answer(_envelope("internal_error", "internal error"), 500)


def _envelope(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}
