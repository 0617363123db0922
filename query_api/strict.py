"""Query parameters that a route does not declare, or that stand there twice, are mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute

from query_api.errors import InvalidInputError

_declared: Final[dict[Callable[..., Any], dict[str, bool]]] = {}
"""Function of a route → alias of each query parameter → may it be repeated."""


def _declared_by(route: APIRoute) -> dict[str, bool]:
    known = _declared.get(route.endpoint)
    if known is None:
        known = {field.alias: _is_list(field) for field in _fields(route.dependant)}
        _declared[route.endpoint] = known
    return known


def _fields(dependant: Any) -> Iterator[Any]:
    """The query parameters of a route and of what it depends on."""
    yield from dependant.query_params
    for below in dependant.dependencies:
        yield from _fields(below)


def _is_list(field: Any) -> bool:
    return "list[" in str(field.field_info.annotation)


def refuse_unknown_parameters(request: Request) -> None:
    """InvalidInputError that names the parameter. Does nothing without a query string."""
    if not request.scope["query_string"]:
        return
    declared = _declared_by(request.scope["route"])
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in declared:
            raise InvalidInputError(f"query {name[:64]}: no such parameter")
        if name in seen and not declared[name]:
            raise InvalidInputError(f"query {name}: given more than once")
        seen.add(name)
