"""Bodies whose content type decides less than their model: JSON or a form, JSON of another name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from query_api.http.errors import InvalidInputError

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
Model = TypeVar("Model", bound=BaseModel)


def json_or_form(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the body as `model`; errors name the field as everywhere."""

    async def read(request: Request) -> Model:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        values = await (_form(request) if content_type in FORMS else _json(request))
        return _validated(model, values)

    return read


def json_of_any_type(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads JSON whatever the content type says (the document's samples write
    `aplication/json`, and clients copy it); no body is an empty object."""

    async def read(request: Request) -> Model:
        return _validated(model, await _json(request) if await request.body() else {})

    return read


def optional_json(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body so."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": False, "content": content}}


def form_too(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body so."""
    schema = model.model_json_schema()
    contents = ("application/json", *FORMS)
    return {
        "requestBody": {
            "required": True,
            "content": {content: {"schema": schema} for content in contents},
        }
    }


def _validated(model: type[Model], values: Any) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [fault | {"loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error


async def _form(request: Request) -> dict[str, Any]:
    try:
        form = await request.form()
    except HTTPException as error:  # Starlette's, of a multipart body that cannot be read
        raise InvalidInputError("body: not a form that can be read") from error
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInputError("body: not valid JSON") from error
