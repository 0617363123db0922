"""A JSON message that does not parse → its elements, so that a bad one costs only itself.

    [{...}, {"difficulty": NaN}, {...}]      three elements, the second is bad
    {...}\\n{"timest{...}\\n                   three: a torn line, and the record that follows it
    {...},\\n[{...}]\\n{...}{...}             four: whatever stands between whole records

Every step is linear in the size of the message, and gives up early on what is no list of shares.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ingest.errors import PoisonError
from schemas.topics import InvalidReason

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoders raise. RecursionError: nested deeper than the interpreter's limit."""

# White space, byte order marks, the zeros that a crash leaves in a file, and what separates records
# in JSON text sequences (RFC 7464).
_PADDING: Final = b" \t\r\n\x00\x1e\xef\xbb\xbf"
BEGINS: Final = re.compile(rb"[ \t\r\n\x00\x1e\xef\xbb\xbf]*+[\[{]")
"""What begins like this is JSON, whatever stands before it."""

_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_LINES: Final = msgspec.json.Decoder(msgspec.Raw)
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_COMMA: Final = re.compile(rb"(?<=\})\s*,\s*(?=\{)")
# What may stand around a record, and between two: no quotes, so it never lies inside a string.
_AROUND: Final = _PADDING + b"[],;"
_BETWEEN: Final = re.compile(rb"(?<=\})[^{}\"\w]{0,16}+(?=\{\s*\"[a-z_])")
_RECORD: Final = b'"timestamp"'
# An honest share has about 20 tokens in 150 bytes, so 8 MiB of them have a million.
_TOKENS_MAX: Final = 2_000_000
_DEPTH_MAX: Final = 64
# A torn line may hold the beginning of one record, and the whole of the next.
_TORN_MAX: Final = 4


def elements_of(value: bytes, max_elements: int) -> list[bytes]:
    """The elements of an array, or the non-empty lines. Raises PoisonError."""
    text = value.strip(_PADDING)
    if not text:
        raise PoisonError(InvalidReason.EMPTY, f"{len(value)} bytes of padding")
    try:
        found = _ARRAY.decode(text) if text.startswith(b"[") else _LINES.decode_lines(text)
        elements = [bytes(each) for each in found]
    except UNREADABLE:
        elements = _array(text, max_elements) if text.startswith(b"[") else _lines(text)
    if len(elements) > max_elements:
        raise PoisonError(InvalidReason.OVERSIZED, f"{len(elements)} elements")
    return elements


def _array(text: bytes, max_elements: int) -> list[bytes]:
    """Cut at the commas of the outermost level; if its brackets don't match, between objects."""
    elements, depth, start = list[bytes](), 0, 1
    for count, token in enumerate(_TOKEN.finditer(text)):
        if len(elements) > max_elements:
            raise PoisonError(InvalidReason.OVERSIZED, f"more than {max_elements} elements")
        if count > _TOKENS_MAX or depth > _DEPTH_MAX:
            raise PoisonError(InvalidReason.MALFORMED_JSON, "nested too deep, or no shares")
        match text[token.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
            case 0x5D | 0x7D:  # ] }
                depth -= 1
                if not depth:
                    elements.append(text[start : token.start()].strip())
                    return [*_each_whole(elements), *_after(text[token.end() :])]
            case 0x2C if depth == 1:  # ,
                elements.append(text[start : token.start()].strip())
                start = token.end()
    parts = [each.strip() for each in _COMMA.split(text.removeprefix(b"[").removesuffix(b"]"))]
    if not text.endswith(b"]") and parts[-1].endswith((b"}", b",")):
        # Torn between two elements: what is missing counts as one.
        parts = [*parts[:-1], parts[-1].rstrip(b", \t\r\n"), b""]
    return _each_whole(parts)


def _after(rest: bytes) -> list[bytes]:
    """Of what follows the end of an array: its records; anything else counts as one element."""
    return (_lines(rest) if _RECORD in rest else [b""]) if rest else []


def _lines(text: bytes) -> list[bytes]:
    return _each_whole([line for each in text.split(b"\n") if (line := each.strip(_PADDING))])


def _each_whole(parts: list[bytes]) -> list[bytes]:
    return [piece for part in parts for piece in _whole(part)]


def _whole(part: bytes) -> list[bytes]:
    """The line or element; if it does not parse, its whole records and what is left of others."""
    if not part or (_is_json(part) and not part.startswith(b"[")):
        return [part]
    pieces = _BETWEEN.split(part.strip(_AROUND))
    if pieces == [part] or not any(_RECORD in each and _is_json(each) for each in pieces):
        return torn_and_whole(part)
    return [
        found for each in pieces for found in ([each] if _is_json(each) else torn_and_whole(each))
    ]


def torn_and_whole(line: bytes) -> list[bytes]:
    """What does not parse, or a torn record and the whole one that was written after it."""
    at = len(line)
    for _ in range(_TORN_MAX):
        at = line.rfind(b'{"', 1, at)
        if at < 0:
            break
        if _is_json(line[at:]):
            return [line[:at].rstrip(_PADDING), line[at:]]
    return [line]


def _is_json(line: bytes) -> bool:
    try:
        _LINES.decode(line)
    except UNREADABLE:
        return False
    return True
