"""What people may call things: one rule for the API, files and commands."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# No C0 and C1 controls (a terminal obeys those), no line breaks, and nothing that turns the text
# around it: marks, embeddings, overrides and isolates of direction.
TURNS: Final = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_ONE_LINE: Final = rf"\x00-\x1f{TURNS}"
ONE_LINE: Final = rf"^[^{_ONE_LINE}]*$"
# Spaces of every script, and what has no width: alone they are no title, around one they hide that
# it is another's.
_BLANK: Final = (
    r" \t\r\n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    r"\u202f\u205f\u3000\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
)
_BLANK_CHARACTERS: Final = _BLANK.encode().decode("unicode_escape")
TITLE_MAX: Final = 300


def as_kept(text: str) -> str:
    """What is kept of a text that somebody typed: composed, without blanks around it."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip(_BLANK_CHARACTERS)


def shown(banned: str) -> str:
    """The pattern of a text without these characters (as in a class) that is not blank."""
    return rf"^[^{banned}]*[^{banned}{_BLANK}][^{banned}]*$"


SHOWN: Final = shown(_ONE_LINE)


def good_title(text: str) -> bool:
    return 0 < len(text) <= TITLE_MAX and re.fullmatch(SHOWN, text) is not None
