"""Commands that do one thing in the database: its schema is checked first, and each statement
stands for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from deploy.checks.preflight import ready_database
from deploy.local.running import load

Found = TypeVar("Found")


def on_database(step: Callable[[Any], Awaitable[Found]]) -> Found:
    """What `step` finds on a psycopg connection whose rows are dictionaries."""
    return asyncio.run(_with_connection(step))


async def _with_connection(step: Callable[[Any], Awaitable[Found]]) -> Found:
    import psycopg
    from psycopg.rows import dict_row

    connecting: Any = psycopg.AsyncConnection.connect(
        ready_database(load()), row_factory=dict_row, autocommit=True
    )
    async with await connecting as connection:
        return await step(connection)
