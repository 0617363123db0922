"""Names that strangers typed, as messages show them: never a link, never reversed text."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
_END_ISOLATE: Final = "\N{POP DIRECTIONAL ISOLATE}"
# What programs look for when they turn text into links: dots, `://`, `@`, and `/`, `#` of chats.
_LINK_SIGNS: Final = re.compile(r"[.:/@#\\]")
_BREAK: Final = "\N{ZERO WIDTH SPACE}"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def visible(name: str) -> str:
    """One line without control characters; a name from right to left keeps that to itself.

    >>> visible("rig\\u202e1\\x85")
    'rig�1�'
    """
    clean = "".join(_REPLACEMENT if _is_control(c) else c for c in name)
    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in clean):
        return f"{_ISOLATE}{clean}{_END_ISOLATE}"
    return clean


def unlinked(name: str) -> str:
    """For mail, whose programs make links of plain text: an invisible break at each sign of one.

    >>> unlinked("evil.example") == "evil.\\u200bexample"
    True
    """
    return _LINK_SIGNS.sub(lambda sign: sign[0] + _BREAK, visible(name))


def code(name: str) -> str:
    """For Telegram: within `<code>` nothing becomes a link, a mention, a tag or a command."""
    return f"<code>{escape(visible(name))}</code>"


def _is_control(character: str) -> bool:
    # Cc: C0 and C1; Cf: bidi overrides and isolates, zero-width characters; Zl, Zp: line breaks.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
