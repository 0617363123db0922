"""Cuts an SQL script into its statements, for those that no transaction may hold."""

from __future__ import annotations

import re
from typing import Final

# What a semicolon may hide in, or a semicolon, or anything else up to the next such thing.
_TOKEN: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?P<tag>\$\w*\$).*?(?P=tag))"
    r"|(?P<end>;)"
    r"|[^;'\"$/-]+|.",
    re.DOTALL,
)


def statements(script: str) -> list[str]:
    """The statements of `script` in order, without their semicolons and comments."""
    found: list[str] = []
    parts: list[str] = []
    for token in _TOKEN.finditer(script + ";"):
        if token["end"]:
            if statement := "".join(parts).strip():
                found.append(statement)
            parts.clear()
        elif token["comment"] is None:
            parts.append(token[0])
    return found
