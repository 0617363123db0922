"""A page of rows with the count of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from query_api.database import Row

Page: TypeAlias = tuple[Sequence[Row], int]
"""Rows and the count of all."""


def page_of_rows(rows: Sequence[Row], key: str) -> Page:
    """From a query that answers one row without `key` if the page is empty, for the count."""
    return [row for row in rows if row[key] is not None], rows[0]["total_count"]
