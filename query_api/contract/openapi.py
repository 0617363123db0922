"""The OpenAPI document: what FastAPI reads off the routes, with errors and security added.

`python -m query_api.write_openapi` writes it to `query_api/contract/openapi.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from query_api.contract.shape import Error
from query_api.http.allowed_methods import PROBES

INTRODUCTION: Final = Path(__file__).with_name("introduction.md").read_text(encoding="utf-8")
"""What holds for all operations; the reference page begins with it."""

REF: Final = "#/components/schemas/{model}"

SECURITY_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "user_session_web": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ory_session_relaxedwescoffeywmz1r7og",
        "description": "A browser user's Ory Kratos session. The name is a setting.",
    },
    "user_session_mobile": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "A mobile user's Ory Kratos session.",
    },
    "api_key": {"type": "http", "scheme": "bearer", "description": "A user's program."},
    "watcher_token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Watcher-Token",
        "description": "Whoever holds a watcher link: reads the one miner it was issued for.",
    },
    "internal_api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Headframe-API-Key",
        "description": "The pool's own services: everything.",
    },
}

ERRORS: Final = {
    400: "A parameter or the body is wrong; the message names it.",
    401: "No credential, or not a valid one.",
    403: "The credential does not give this right.",
    404: "It does not exist.",
    409: "It conflicts with what is there.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "Something went wrong here; the log has it under the request id.",
    503: "The database is away or busy; `Retry-After` says how long to wait.",
}
INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
EVERYWHERE: Final = (400, 404, 429, 500, 503)
WITH_CREDENTIAL: Final = (401, 403)


def build(app: FastAPI, *, cookie_name: str, authenticated: Callable[..., Any]) -> dict[str, Any]:
    """The document of an application. `authenticated`: the dependency of routes with a caller."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/", "description": "The server that this document came from."}],
        license_info=app.license_info,
        tags=app.openapi_tags,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_error_schemas())
    schemes = {name: dict(scheme) for name, scheme in SECURITY_SCHEMES.items()}
    schemes["user_session_web"]["name"] = cookie_name
    components["securitySchemes"] = schemes
    components["responses"] = {f"Error{status}": _error(status) for status in ERRORS}
    for route in _documented(app):
        needs_caller = authenticated in _dependencies(route.dependant)
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _complete(operation, route, needs_caller=needs_caller)
    _size_integers(document)
    return document


def _size_integers(node: Any) -> None:
    """An integer without a size is one of 32 bits to many generators; a hashrate needs 64."""
    if isinstance(node, dict):
        if node.get("type") == "integer" and not isinstance(node.get("format"), str):
            largest = node.get("maximum", INT64_MAX)
            if largest <= INT64_MAX:
                node["format"] = "int32" if largest <= INT32_MAX else "int64"
        for below in node.values():
            _size_integers(below)
    elif isinstance(node, list):
        for below in node:
            _size_integers(below)


def _documented(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield route


def _dependencies(dependant: Any) -> Iterator[Any]:
    for below in dependant.dependencies:
        yield below.call
        yield from _dependencies(below)


def _complete(operation: dict[str, Any], route: APIRoute, *, needs_caller: bool) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    operation["security"] = [{scheme: []} for scheme in SECURITY_SCHEMES] if needs_caller else []
    for status in sorted(_errors_of(route, needs_caller=needs_caller)):
        responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}


def _errors_of(route: APIRoute, *, needs_caller: bool) -> set[int]:
    declared = {status for status in map(int, route.responses) if status >= 400}
    if route.path in PROBES:
        return declared
    return declared.union(EVERYWHERE, WITH_CREDENTIAL if needs_caller else ())


def _error_schemas() -> dict[str, Any]:
    _, definitions = models_json_schema([(Error, "serialization")], ref_template=REF)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _error(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": REF.format(model="Error")}}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return answer


def text_of(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
