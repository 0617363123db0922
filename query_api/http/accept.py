"""Which of several formats an `Accept` header prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
CSV: Final = "text/csv"
HTML: Final = "text/html"
PARQUET: Final = "application/vnd.apache.parquet"


# A program sends the same header each time.
@lru_cache(maxsize=256)
def preferred(accept: str, *others: str) -> str:
    """JSON, or one of the formats beside it if the header wants that more.

    Of equal weights the range that stands first wins; JSON wins within one, and if the header
    wants none of them.

    >>> preferred("text/csv, */*;q=0.1", CSV)
    'text/csv'
    >>> preferred("application/json, text/csv;q=0.5", CSV)
    'application/json'
    """
    ranges = list(_ranges(accept))

    def place(kind: str) -> tuple[float, int]:
        """Weight and place of the most specific range that holds this format."""
        for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
            for at, (name, weight) in enumerate(ranges):
                if name == pattern:
                    return weight, -at
        return 0.0, 0

    best = max((JSON, *others), key=place)
    return best if place(best)[0] > 0 else JSON


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weights = [each[2:] for each in parameters if each.startswith("q=")]
        try:
            yield name, float(weights[0]) if weights else 1.0
        except ValueError:
            yield name, 0.0
