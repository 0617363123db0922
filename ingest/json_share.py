"""The JSON object of a share, typed, and what is made of one that breaks the types."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ingest.columns import NO_TIMESTAMP
from ingest.errors import PoisonError
from schemas.topics import Reason


class JsonShare(msgspec.Struct, gc=False):
    """Unknown fields are ignored. A salvaged share has None, NaN or a mark in its bad fields."""

    timestamp: int | str
    account_name: str
    worker_name: str
    difficulty: float
    result: str
    source: str | None = None


class _Fields(msgspec.Struct, gc=False):
    """The same object with its fields left as bytes; an absent one is empty."""

    timestamp: msgspec.Raw = msgspec.Raw()
    account_name: msgspec.Raw = msgspec.Raw()
    worker_name: msgspec.Raw = msgspec.Raw()
    difficulty: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()


ONE_OR_MANY: Final = msgspec.json.Decoder(JsonShare | list[JsonShare])
_LINES_OF_SHARES: Final = msgspec.json.Decoder(JsonShare)
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_LINES: Final = msgspec.json.Decoder(msgspec.Raw)
_FIELDS: Final = msgspec.json.Decoder(_Fields)

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoders raise. RecursionError: nested deeper than the interpreter's limit."""

# Shorter elements hold no timestamp: they are told bad without a look inside.
_SHORTEST_WITH_TIMESTAMP_BYTES: Final = len('{"timestamp":1}')

# A source that cannot be one: a control character.
_BAD_SOURCE: Final = "\x00"
_NUMBER: Final = frozenset(b"-0123456789")
_STRING: Final = frozenset(b'"')


def salvage(value: bytes, max_shares: int) -> list[JsonShare]:
    """The shares of a message that is not one typed object or an array of them.

    Newline-separated objects end here too. Raises PoisonError where it is no JSON, or where not
    one element has the fields and types of a share.
    """
    try:
        shares = _LINES_OF_SHARES.decode_lines(value)
    except UNREADABLE:
        shares = []
    if shares:
        return shares
    try:
        array = value.lstrip(b" \t\r\n").startswith(b"[")
        elements = _ELEMENTS.decode(value) if array else _LINES.decode_lines(value)
        if not elements and not array:
            raise PoisonError(Reason.EMPTY, f"{len(value)} bytes of white space")
        if len(elements) > max_shares:
            raise PoisonError(Reason.OVERSIZED, f"{len(elements)} elements")
        pairs = [_salvage_one(element) for element in elements]
    except UNREADABLE as error:
        raise PoisonError(Reason.MALFORMED_JSON, str(error)) from error
    if elements and not any(shaped for _, shaped in pairs):
        raise PoisonError(Reason.WRONG_SCHEMA, _why(elements[0]))
    return [share for share, _ in pairs]


def _salvage_one(element: msgspec.Raw) -> tuple[JsonShare, bool]:
    """The share, marked where it is bad, and whether it has the fields and JSON types of one."""
    if memoryview(element).nbytes < _SHORTEST_WITH_TIMESTAMP_BYTES:
        return _NO_SHARE, False
    try:
        fields = _FIELDS.decode(element)
    except msgspec.ValidationError:
        return _NO_SHARE, False
    return _share(fields), _shaped(fields)


def _share(fields: _Fields) -> JsonShare:
    return JsonShare(
        timestamp=_read(fields.timestamp, int | str, NO_TIMESTAMP),
        account_name=_read(fields.account_name, str, None),
        worker_name=_read(fields.worker_name, str, None),
        difficulty=_read(fields.difficulty, float, float("nan")),
        result=_read(fields.result, str, None),
        source=_read(fields.source, str | None, _BAD_SOURCE)
        if memoryview(fields.source).nbytes
        else None,
    )


def _read(raw: msgspec.Raw, kind: Any, otherwise: Any) -> Any:
    if not memoryview(raw).nbytes:
        return otherwise
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE:
        return otherwise


_NO_SHARE: Final = _share(_Fields())


def _shaped(fields: _Fields) -> bool:
    return (
        _starts(fields.timestamp, _NUMBER | _STRING)
        and _starts(fields.account_name, _STRING)
        and _starts(fields.worker_name, _STRING)
        and _starts(fields.difficulty, _NUMBER)
        and _starts(fields.result, _STRING)
    )


def _starts(raw: msgspec.Raw, first: frozenset[int]) -> bool:
    view = memoryview(raw)
    return len(view) > 0 and view[0] in first


def _why(element: msgspec.Raw) -> str:
    try:
        ONE_OR_MANY.decode(element)
    except UNREADABLE as error:
        return str(error)
    return "no share"
