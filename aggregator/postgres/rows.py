"""Rows of one statement as plain tuples, whatever the connection's row factory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.rows import tuple_row

from aggregator.postgres.connection import Connection

Row = tuple[Any, ...]


async def rows(
    connection: Connection, statement: str, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """All rows."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()


async def one_row(
    connection: Connection, statement: str, parameters: Mapping[str, Any] | None = None
) -> Row | None:
    """The first row; None if there is none."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchone()
