"""What all answers are made of: the base of the shapes, lists, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

JsonObject: TypeAlias = dict[str, Any]
"""What orjson writes. A shape's `from_row` makes one of a row: building and writing a pydantic
object takes five times as long, and the contract tests hold every answer against its shape."""


class Shape(BaseModel):
    """An answer as the OpenAPI document shows it. Stands on its route as `response_model`."""

    model_config = ConfigDict(extra="forbid")


class ErrorDetail(Shape):
    code: Literal[
        "invalid_input",
        "unauthorized",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "conflict",
        "too_many_requests",
        "internal_error",
        "unavailable",
    ]
    message: str


class Error(Shape):
    error: ErrorDetail


class Pagination(Shape):
    limit: int
    offset: int
    total_count: int


class Page(Shape):
    """A list with `limit` and `offset`. A subclass adds `data`."""

    pagination: Pagination


def page_of(
    items: Sequence[JsonObject], *, limit: int, offset: int, total_count: int
) -> JsonObject:
    """A list of the contract."""
    return {
        "data": items,
        "pagination": {"limit": limit, "offset": offset, "total_count": total_count},
    }
