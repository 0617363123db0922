"""Fields and query parameters that nobody declared: ignored, and named in a header.

The document says nothing of unknown ones, so a client may send them; the header helps to find a
typo. A parameter that stands there twice is a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.routing import APIRoute

from query_api.http.errors import InvalidInputError

NAMES_MAX: Final = 20
NAME_MAX_CHARS: Final = 64

unknown_names: Final[ContextVar[list[str] | None]] = ContextVar("unknown_names", default=None)
"""Of the request in hand: the middleware sets a list, query and body add to it."""

_declared: Final[dict[Callable[..., Any], dict[str, bool]]] = {}
"""Function of a route → alias of each query parameter → may it be repeated."""


def note_unknown(names: Iterable[str]) -> None:
    found = unknown_names.get()
    if found is not None:
        found.extend(names)


def header_of(names: Iterable[str]) -> bytes:
    """`X-Unknown-Parameters`: what a header cannot carry is quoted as in an address."""
    known = [quote(name[:NAME_MAX_CHARS], safe="-._~[]") for name in dict.fromkeys(names)]
    return ", ".join(known[:NAMES_MAX]).encode()


def check_query(request: Request) -> None:
    """Notes unknown parameters; InvalidInputError for one given twice."""
    if not request.scope["query_string"]:
        return
    declared = _declared_by(request.scope["route"])
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in declared:
            note_unknown([name])
        elif name in seen and not declared[name]:
            raise InvalidInputError(f"query {name}: given more than once")
        seen.add(name)


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
