"""Every error answer: one envelope, whatever went wrong and wherever."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from schemas.error_envelope import error_body

log: Final = structlog.get_logger()

_ENUM_REPR: Final = re.compile(r"<\w+\.\w+: '([^']*)'>")


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


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        error_body(status, message), status, dict(headers or {}), media_type="application/json"
    )


def describe_validation(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first fault, with the field it is in: `query period: must be one of PT15M, PT1H`."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return "body: not valid JSON"
    place = " ".join(str(part) for part in first["loc"])
    return f"{place}: {_fault(first)}"


def _fault(error: Mapping[str, Any]) -> str:
    """pydantic's message without its own vocabulary."""
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "enum" | "literal_error":
            # A literal of an enum is written as `<Role.OWNER: 'owner'>, <Role...>`.
            allowed = _ENUM_REPR.sub(r"\1", str(context["expected"]))
            return f"must be one of {allowed.replace(' or ', ', ').replace(chr(39), '')}"
        case "string_pattern_mismatch":
            return f"has characters or a length that are not allowed ({context['pattern']})"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
            return message.replace("Input should be", "must be").replace("Input should", "must")


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
    """Answer every exception with the envelope; what no handler knows the outer middleware
    answers with 500."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
