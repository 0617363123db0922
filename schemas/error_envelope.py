"""The body of every HTTP error, of the API and of the gateway: `{"error": {"code", "message"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

_CODES: Final[Mapping[int, str]] = {
    400: "invalid_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


def error_body(status: int, message: str, code: str | None = None) -> bytes:
    """The envelope; without `code` the one that goes with the status."""
    code = code or _CODES.get(status, "invalid_input" if status < 500 else "internal_error")
    return orjson.dumps({"error": {"code": code, "message": message}})
