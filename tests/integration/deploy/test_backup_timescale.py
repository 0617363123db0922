"""Backup and restore of a TimescaleDB database as the runbook says: hypertables, rollups, jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection

from aggregator.figures.rollups.store import Policies, open_rollups
from deploy.database.migrate import migrate
from deploy.database.roles import ROLES, make_roles
from tests.integration.deploy.test_backup import back_up, run, tool
from tests.integration.replay.test_database_kinds import (
    BOUNDARY,
    END_S,
    START_S,
    at_rest,
    right_rows,
)
from tests.integration.rollups.small_pool import RELATIONS, Row, SmallPool, world

JOBS = (
    "select proc_name, hypertable_name, schedule_interval::text, config - 'mat_hypertable_id'"
    " - 'hypertable_id' from timescaledb_information.jobs where job_id >= 1000 order by job_id"
)
CHUNKS = (
    "select hypertable_name, count(*), count(*) filter (where is_compressed)"
    " from timescaledb_information.chunks group by 1 order by 1"
)


def restore(file: Path, url: str) -> None:
    """As TimescaleDB documents it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists timescaledb")
        connection.execute("select timescaledb_pre_restore()")
    run(tool("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))
    with psycopg.connect(url, autocommit=True) as connection:
        # In WebAssembly one session serves all clients, and pg_restore empties its path.
        connection.execute("set search_path to public")
        connection.execute("select timescaledb_post_restore()")


def end_session(url: str) -> None:
    """pg_dump leaves statements and an empty path; in WebAssembly the session outlives it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("discard all")


async def everything(side: SmallPool) -> dict[str, list[tuple[Any, ...]]]:
    """Minutes and rollups, jobs, chunks packed and not."""
    found = {relation: await side.rows(relation) for relation in RELATIONS}
    return found | {"jobs": await side.fetch(JOBS), "chunks": await side.fetch(CHUNKS)}


async def go_on(side: SmallPool) -> dict[str, list[tuple[Any, ...]]]:
    """Late work into a packed chunk, new work, refreshes, retention."""
    late = [Row(START_S + 60, 1, 5), Row(START_S + 420, BOUNDARY, 7)]
    new = [Row(END_S + 60 * minute, 2, 11) for minute in range(100)]
    await side.take([*late, *new])
    await side.settle(END_S + 6_000)
    await side.retain(END_S + 6_000)
    return {relation: await side.rows(relation) for relation in RELATIONS}


async def test_a_restored_database_answers_and_goes_on_alike(
    timescale_url: str, another_timescale_url: str, tmp_path: Path
) -> None:
    async with world(timescale_url) as side:
        await side.take(right_rows())
        await at_rest(side)
        before = await everything(side)
    back_up(timescale_url, tmp_path / "hashgauge.dump")
    end_session(timescale_url)
    # Rights in a backup name roles, which belong to the server.
    make_roles(another_timescale_url, dict.fromkeys(ROLES, "test"))
    restore(tmp_path / "hashgauge.dump", another_timescale_url)
    assert migrate(another_timescale_url).applied == ()
    async with await AsyncConnection.connect(another_timescale_url, autocommit=True) as connection:
        restored = SmallPool(connection, await open_rollups(connection, Policies()))
        found = await everything(restored)
        assert {key for key in before if found[key] != before[key]} == set()
        assert len(found["jobs"]) == 15
        assert sum(packed for _, _, packed in found["chunks"]) == 8
        after = await go_on(restored)
    async with await AsyncConnection.connect(timescale_url, autocommit=True) as connection:
        assert (
            await go_on(SmallPool(connection, await open_rollups(connection, Policies()))) == after
        )
