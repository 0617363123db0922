"""Which names an account may have: one rule for shares, feeds and files.

Word characters of any script and the marks that belong to its letters (`हिन्दी`, `กิ่ง`), in Unicode's
composed form. Accounts that people register through the API keep to ASCII.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from schemas.share import ACCOUNT_NAME_MAX, ACCOUNT_NAME_MIN


def composed(names: Sequence[str]) -> Sequence[str]:
    """The names in Unicode's composed form: however a name is typed, it is one worker's.

    ASCII, which nearly all names are, costs 30 ns each.
    """
    if all(map(str.isascii, names)):
        return names
    return [unicodedata.normalize("NFC", name) for name in names]


def good_account_name(name: str) -> bool:
    """`name` is composed."""
    return (
        ACCOUNT_NAME_MIN <= len(name) <= ACCOUNT_NAME_MAX
        and _is_letter(name[0])
        and all(map(is_word_character, name))
    )


def is_word_character(character: str) -> bool:
    return _is_letter(character) or (
        unicodedata.category(character) in ("Mn", "Mc") and not _is_invisible(character)
    )


def _is_letter(character: str) -> bool:
    return character == "_" or character.isalnum()


def _is_invisible(mark: str) -> bool:
    """Joiners and variation selectors: names that differ by them alone look the same."""
    return (
        mark in "\u034f\u180b\u180c\u180d\u180f"
        or "\ufe00" <= mark <= "\ufe0f"
        or "\U000e0100" <= mark <= "\U000e01ef"
    )
