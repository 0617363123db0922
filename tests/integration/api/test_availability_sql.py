"""Availability: the share of each day that a worker was stable, from its transitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from schemas.runtime.named_sql import load
from tests.integration.notify.seeded_events import SeededEvents

DAY = datetime(2026, 11, 20, tzinfo=UTC)
QUERY = load("query_api", "sql/availability.sql")["availability"]


async def add(seeded: SeededEvents, worker: int, number: int, status: str, *, at: datetime) -> None:
    await seeded.run(
        "insert into events (event_id, kind, at, worker_id, transition_number, to_status, cause)"
        " values (gen_random_uuid(), 'worker-status-changed', %s, %s, %s, %s, 'share')",
        at,
        worker,
        number,
        status,
    )


async def ask(
    database_url: str, workers: list[int], *, days: int, as_of: datetime
) -> dict[tuple[int, int], float]:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(QUERY, workers, DAY, DAY + timedelta(days=days), as_of)
    finally:
        await connection.close()
    return {
        (row["worker_id"], (row["day"] - DAY).days): round(row["stable_s"] / row["known_s"], 9)
        for row in rows
    }


async def test_days_are_split_at_midnight_and_the_last_one_at_now(
    seeded: SeededEvents, database_url: str
) -> None:
    hours = timedelta(hours=1)
    miner = await seeded.add_miner("acme")
    steady, flapping, fresh, late, unknown = [
        await seeded.add_worker(miner, name)
        for name in ("steady", "flapping", "fresh", "late", "unknown")
    ]
    await add(seeded, steady, 1, "stable", at=DAY - timedelta(days=40))
    await add(seeded, flapping, 1, "stable", at=DAY - 12 * hours)
    await add(seeded, flapping, 2, "unavailable", at=DAY + 18 * hours)
    # Two transitions in one instant: their numbers say which came last.
    await add(seeded, flapping, 4, "stable", at=DAY + 30 * hours)
    await add(seeded, flapping, 3, "off", at=DAY + 30 * hours)
    await add(seeded, fresh, 1, "stable", at=DAY + 36 * hours)
    # It began at noon, and was there for half of what was left of its first day.
    await add(seeded, late, 1, "stable", at=DAY + 36 * hours)
    await add(seeded, late, 2, "unavailable", at=DAY + 42 * hours)
    await add(seeded, late, 3, "stable", at=DAY + 54 * hours)
    found = await ask(
        database_url, [steady, flapping, fresh, late, unknown], days=4, as_of=DAY + 60 * hours
    )
    assert found == {
        (steady, 0): 1.0, (steady, 1): 1.0, (steady, 2): 1.0,
        (flapping, 0): 0.75, (flapping, 1): 0.75, (flapping, 2): 1.0,
        (fresh, 1): 1.0, (fresh, 2): 1.0, (late, 1): 0.5, (late, 2): 0.5,
    }  # fmt: skip
