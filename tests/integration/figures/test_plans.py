"""Statements that take many rows as an array, in a session of ours: how PostgreSQL plans them."""

from __future__ import annotations

from psycopg import AsyncConnection

from aggregator.figures.minutes.reader import read_span
from deploy.settings.database_address import psycopg_address


async def test_half_an_hour_of_many_workers_is_planned_for_those_workers(database_url: str) -> None:
    """However often: a plan for any array scans the minutes of all time for each worker."""
    async with await AsyncConnection.connect(psycopg_address(database_url)) as connection:
        for first in range(0, 600, 30):
            await read_span(connection, first, first + 30, worker_ids=range(1, 5_000))
        cursor = await connection.execute(
            "select sum(generic_plans)::int, sum(custom_plans)::int from pg_prepared_statements"
            " where statement like '%join worker_minutes%'"
        )
        assert await cursor.fetchone() == (0, 15)
