"""Every error answer: one envelope, whatever went wrong and wherever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

log: Final = structlog.get_logger()

CODES: Final[Mapping[int, str]] = {
    400: "invalid_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "invalid_input",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


class ApiError(Exception):
    """An answer that is not the one asked for."""

    status = 500

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class InvalidInputError(ApiError):
    status = 400


class UnauthorizedError(ApiError):
    status = 401


class ForbiddenError(ApiError):
    status = 403


class NotFoundError(ApiError):
    status = 404


class MethodNotAllowedError(ApiError):
    status = 405

    def __init__(self, method: str, *, allow: str) -> None:
        super().__init__(f"{method} is not allowed here", headers={"Allow": allow})


class ConflictError(ApiError):
    status = 409


class TooManyRequestsError(ApiError):
    status = 429

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, headers={"Retry-After": str(max(1, retry_after_s))})


class UnavailableError(ApiError):
    """The database is away, slow or busy; the caller should come back."""

    status = 503

    def __init__(self, message: str, *, retry_after_s: int = 2) -> None:
        super().__init__(message, headers={"Retry-After": str(max(1, retry_after_s))})


def error_body(status: int, message: str) -> bytes:
    code = CODES.get(status, "invalid_input" if status < 500 else "internal_error")
    return orjson.dumps({"error": {"code": code, "message": message}})


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        error_body(status, message), status, dict(headers or {}), media_type="application/json"
    )


def describe_validation(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first fault, with the field it is in: `query id: Input should be a valid UUID`."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return "body: not valid JSON"
    where = " ".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}"


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error.status, error.message, error.headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(400, describe_validation(error.errors()))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = request.app.state.methods().allow(request.url.path)
        return await _api_error(request, MethodNotAllowedError(request.method, allow=allow))
    message = "no such route" if status == HTTPStatus.NOT_FOUND else str(error.detail)
    return error_response(status, message, error.headers)


def install(app: FastAPI) -> None:
    """Answer every exception with the envelope; what no handler knows is left to the edge (500)."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
