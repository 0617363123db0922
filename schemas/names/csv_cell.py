"""Text that strangers wrote, in a CSV file that a person opens in a spreadsheet."""

from __future__ import annotations

from typing import Final

# A cell that begins with one of these is a formula to Excel, LibreOffice or Google Sheets; tab and
# carriage return are skipped by some of them before the formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What they skip before it: spaces of any width, marks without width, and quotes that another
# program has unwrapped.
_SKIPPED: Final = ' "\u00a0\u2007\u202f\u3000\u200b\u2060\ufeff'


def csv_cell(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would compute it (OWASP's advice).

    >>> csv_cell("=HYPERLINK(1)"), csv_cell("rig-1")
    ("'=HYPERLINK(1)", 'rig-1')
    """
    return f"'{text}" if text.lstrip(_SKIPPED).startswith(_FORMULA) else text
