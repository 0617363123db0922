"""Every field of a room's configuration is a setting: found, documented and read by its name.

The field `retry_after_s` of `ApiConfig.http` is `HASHGAUGE_API__HTTP__RETRY_AFTER_S`. Its reason is
the comment above it in the room's own file, so nothing is said twice.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

PREFIX: Final = "HASHGAUGE_"
_NEST: Final = "__"

Config = TypeVar("Config")


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its name, what it takes, default (None: none) and reason."""

    variable: str
    takes: str
    default: Any
    reason: str


def apply(section: str, config: Config, environment: Mapping[str, str]) -> Config:
    """`config` with every field replaced for which `environment` holds a variable.

    SettingsError for a value that does not fit the field, or that the configuration refuses.
    """
    changes: dict[str, Any] = {}
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(typing.cast("Any", config)):
        name = _variable(section, field.name)
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            changes[field.name] = apply(f"{section}{_NEST}{field.name}", value, environment)
        elif environment.get(name):  # an empty one is none
            changes[field.name] = parse(name, environment[name], hints[field.name])
    try:
        changed: Config = dataclasses.replace(typing.cast("Any", config), **changes)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{section.upper()}: {error}") from None
    return changed


def documented(section: str, kind: type[Any], defaults: object = None) -> Iterator[Setting]:
    """The settings of a configuration class and of those inside it, in the order of the file.

    A field without a default is none: it is wired, from `DATABASE_URL` for example. `defaults`, an
    instance, gives what the class itself does not.
    """
    hints = typing.get_type_hints(kind)
    reasons = _reasons(kind)
    for field in dataclasses.fields(kind):
        default = getattr(defaults, field.name, _default(field))
        if dataclasses.is_dataclass(hints[field.name]):
            inner = typing.cast("type[Any]", hints[field.name])
            yield from documented(f"{section}{_NEST}{field.name}", inner, default)
        elif default is not dataclasses.MISSING:
            variable = _variable(section, field.name)
            kind_text = type_text(hints[field.name])
            yield Setting(variable, kind_text, default, reasons.get(field.name, ""))


def type_text(annotation: Any) -> str:
    """What a person may write for a field of this type: its choices, or the kind of value."""
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return " | ".join(map(str, arguments))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " | ".join(str(choice.value) for choice in annotation)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return ", or ".join(type_text(part) for part in arguments if part is not type(None))
    return _KINDS.get(typing.get_origin(annotation) or annotation, "text")


_KINDS: Final[Mapping[Any, str]] = {
    bool: "true | false",
    int: "whole number",
    float: "number",
    timedelta: "duration, as P3D or PT15M",
    datetime: "date and time",
    Path: "path",
    tuple: "JSON list",
    list: "JSON list",
    frozenset: "JSON list",
    dict: "JSON object",
    Mapping: "JSON object",
}


def parse(variable: str, text: str, kind: Any) -> Any:
    """`text` as `kind`: a number, a word, true or false, or JSON for a list or a mapping."""
    adapter = TypeAdapter(kind)
    value: Any = text
    if text[:1] in ("[", "{"):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise SettingsError(f"{variable}: not valid JSON") from None
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise SettingsError(f"{variable}: {error.errors()[0]['msg']}") from None


def as_text(value: Any) -> str:
    """`value` as it is written into a variable: what `parse` reads back. "" for None."""
    plain = TypeAdapter(Any).dump_python(value, mode="json")
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else orjson.dumps(plain).decode()


def _variable(section: str, field: str) -> str:
    return f"{PREFIX}{section}{_NEST}{field}".upper()


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _reasons(kind: type[Any]) -> Mapping[str, str]:
    """Field → the comment above it; a field right below another one shares its comment."""
    reasons: dict[str, str] = {}
    comment: list[str] = []
    fresh = False
    for line in inspect.getsource(kind).splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment = [*comment, text[1:].strip()] if fresh else [text[1:].strip()]
            fresh = True
            continue
        fresh = False
        name = text.partition(":")[0]
        if not text:
            comment = []
        elif name.isidentifier():
            reasons[name] = " ".join(comment)
    return reasons
