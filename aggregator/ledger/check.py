"""Checks of the ledger that run by themselves: each names the cases in which it fails."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from schemas.runtime.named_sql import load

_CHECKS: Final = load("aggregator.ledger", "sql/check.sql")
# A broken ledger may fail for everybody: a list of all helps nobody.
_SHOWN: Final = 5


async def check(connection: AsyncConnection[Any]) -> list[str]:
    """One line for each check that fails; empty if all is well."""
    problems = []
    for name, statement in _CHECKS.items():
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(statement, {})
            cases = [row[0] for row in await cursor.fetchall()]
        if cases:
            more = f" and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
            problems.append(f"{name.replace('_', ' ')}: {'; '.join(cases[:_SHOWN])}{more}")
    return problems
