"""The JSON object of a share, typed, and what is made of one with bad types or syntax."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from ingest.decode.columns import NO_TIMESTAMP
from ingest.decode.json_elements import UNREADABLE, elements_of
from ingest.errors import PoisonError
from schemas.topics import InvalidReason


class JsonShare(msgspec.Struct, gc=False):
    """Unknown fields are ignored. A salvaged share has None, NaN or a mark in its bad fields."""

    timestamp: int | float | str
    account_name: str
    worker_name: str
    difficulty: float
    result: str
    source: str | None = None
    # Of any kind: what is not a number or a string says nothing, and costs the share nothing.
    share_difficulty: Any = None
    agent: Any = None


class _Fields(msgspec.Struct, gc=False):
    """The same object with its fields left as bytes; an absent one is empty."""

    timestamp: msgspec.Raw = msgspec.Raw()
    account_name: msgspec.Raw = msgspec.Raw()
    worker_name: msgspec.Raw = msgspec.Raw()
    difficulty: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()
    share_difficulty: msgspec.Raw = msgspec.Raw()
    agent: msgspec.Raw = msgspec.Raw()


ONE_OR_MANY: Final = msgspec.json.Decoder(JsonShare | list[JsonShare])
_LINES_OF_SHARES: Final = msgspec.json.Decoder(JsonShare)
_FIELDS: Final = msgspec.json.Decoder(_Fields)
_ANY: Final = msgspec.json.Decoder(msgspec.Raw)
# Python's own reader takes NaN, Infinity, control characters and halves of surrogate pairs.
_LENIENT: Final = json.JSONDecoder(strict=False)

# Shorter elements hold no timestamp: they are bad without a look inside.
_SHORTEST_WITH_TIMESTAMP_BYTES: Final = len('{"timestamp":1}')

MALFORMED: Final = "\x00"
"""The result of an element that is no JSON; and a source that cannot be one."""
_NUMBER: Final = frozenset(b"-0123456789")
_STRING: Final = frozenset(b'"')
_REQUIRED: Final = ("timestamp", "account_name", "worker_name", "difficulty", "result")
_KINDS: Final[tuple[tuple[type, ...], ...]] = (
    (int, float, str),
    (str,),
    (str,),
    (int, float),
    (str,),
)
_KEYS: Final = tuple(f'"{name}"'.encode() for name in _REQUIRED)


def salvage(value: bytes, max_shares: int) -> list[JsonShare]:
    """The shares of a message that is not one typed object or an array of them.

    Newline-separated objects end here too. Raises PoisonError if it is no JSON, or if not one
    element has the fields and types of a share. A malformed element costs only itself.
    """
    try:
        shares = _LINES_OF_SHARES.decode_lines(value)
    except UNREADABLE:
        shares = []
    if shares:
        return shares
    elements = elements_of(value, max_shares)
    pairs = [_salvage_one(element) for element in elements]
    if elements and not any(shaped for _, shaped in pairs):
        torn = any(share.result == MALFORMED for share, _ in pairs)
        # A line break that a miner typed may have torn a record in two, with all its keys there.
        if not (torn and all(key in value for key in _KEYS)):
            reason = InvalidReason.MALFORMED_JSON if torn else InvalidReason.WRONG_SCHEMA
            raise PoisonError(reason, _why(elements[0]))
    return [share for share, _ in pairs]


def _salvage_one(element: bytes) -> tuple[JsonShare, bool]:
    """The share, marked if it is bad, and whether it has the fields and JSON types of one."""
    if not element:
        return _MALFORMED, False
    if len(element) < _SHORTEST_WITH_TIMESTAMP_BYTES:
        return (_NO_SHARE if _is_json(element) else _MALFORMED), False
    try:
        fields = _FIELDS.decode(element)
    except msgspec.ValidationError:
        return _NO_SHARE, False
    except UNREADABLE:
        return _lenient(element)
    return _share(fields), _shaped(fields)


def _is_json(element: bytes) -> bool:
    try:
        _ANY.decode(element)
    except UNREADABLE:
        return False
    return True


def _lenient(element: bytes) -> tuple[JsonShare, bool]:
    """Of JSON with a bad name or number, everything else; of anything else, a malformed share.

    What a miner may have typed must not make his message look like one of another format: a name
    cut inside an emoji leaves half a surrogate pair.
    """
    try:
        found = _LENIENT.decode(element.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return _MALFORMED, False
    if not isinstance(found, dict):
        return _NO_SHARE, False
    at = found.get("timestamp")
    share = JsonShare(
        timestamp=_text(at) or NO_TIMESTAMP if isinstance(at, str) else _number(at, NO_TIMESTAMP),
        account_name=_text(found.get("account_name")),
        worker_name=_text(found.get("worker_name")),
        difficulty=_number(found.get("difficulty"), float("nan")),
        result=_text(found.get("result")),
        source=None if found.get("source") is None else _text(found["source"]) or MALFORMED,
        share_difficulty=_number(found.get("share_difficulty"), None),
        agent=_text(found.get("agent")),
    )
    return share, all(
        isinstance(found.get(name), kinds) for name, kinds in zip(_REQUIRED, _KINDS, strict=True)
    )


def _text(value: object) -> Any:
    """A string that UTF-8 can hold, or None."""
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _number(value: object, otherwise: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    try:
        finite = abs(float(value)) < float("inf")
    except OverflowError:
        return otherwise
    return value if finite else otherwise


def _share(fields: _Fields) -> JsonShare:
    return JsonShare(
        timestamp=_read(fields.timestamp, int | float | str, NO_TIMESTAMP),
        account_name=_read(fields.account_name, str, None),
        worker_name=_read(fields.worker_name, str, None),
        difficulty=_read(fields.difficulty, float, float("nan")),
        result=_read(fields.result, str, None),
        source=_read(fields.source, str | None, MALFORMED)
        if memoryview(fields.source).nbytes
        else None,
        share_difficulty=_read(fields.share_difficulty, Any, None),
        agent=_read(fields.agent, Any, None),
    )


def _read(raw: msgspec.Raw, kind: Any, otherwise: Any) -> Any:
    if not memoryview(raw).nbytes:
        return otherwise
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE:
        return otherwise


_NO_SHARE: Final = _share(_Fields())
_MALFORMED: Final = msgspec.structs.replace(_NO_SHARE, result=MALFORMED)


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


def _why(element: bytes) -> str:
    try:
        ONE_OR_MANY.decode(element)
    except UNREADABLE as error:
        return str(error)
    return "no share"
