"""An import that is killed again and again, between and inside transactions, ends as an undisturbed
one does."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from ingest.history.ckpool import CkpoolHistory
from tests.integration.imports.importing import (
    LOG_BEGINS_S,
    NOW,
    imported,
    rows_of,
    shifted_log,
    true_sums,
)

# Kills itself at the given step: a step is a chunk that was taken, or a transaction before its end.
IMPORT = """
import asyncio, os, signal, sys
from pathlib import Path
import psycopg
from aggregator.imports.config import ImportConfig
from aggregator.imports.positions import Positions
from ingest.history.ckpool import CkpoolHistory
from tests.integration.imports.importing import imported

steps = int(sys.argv[3])

def step(function):
    def stepped(*arguments, **named):
        global steps
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return stepped

Positions.advance = step(Positions.advance)
Positions.write = step(Positions.write)

async def main():
    config = ImportConfig(rows_per_write=40)
    async with await psycopg.AsyncConnection.connect(sys.argv[1], autocommit=True) as connection:
        await imported(connection, CkpoolHistory(Path(sys.argv[2])), config=config)

asyncio.run(main())
"""
TABLES = ("worker_minutes", "worker_15m", "worker_1h", "worker_1d", "entity_15m", "entity_1d")


async def test_killed_between_and_inside_transactions(database_url: str, tmp_path: Path) -> None:
    # Across two midnights of different keeping: minutes on one side, quarters on the other.
    at = NOW.replace(hour=0) - timedelta(days=3, minutes=9)
    by_s = (round(at.timestamp()) - LOG_BEGINS_S) // 60 * 60
    log = shifted_log(tmp_path / "log", by_s=by_s)
    for run in count():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", IMPORT, database_url, str(log), str(9 + 4 * (run % 2))),
            cwd=Path(__file__).parents[3],
        )
        if await process.wait() == 0:
            break
        assert process.returncode == -signal.SIGKILL
    assert run > 3
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        assert (await imported(connection, CkpoolHistory(log))).read == 0
        found = await rows_of(connection, "select sum(accepted), sum(rejected) from worker_1d")
        wanted = true_sums(60, by_s=by_s).values()
        assert found[0] == pytest.approx([sum(side) for side in zip(*wanted, strict=True)])
        for table in TABLES:
            assert await rows_of(connection, f"select 1 from {table} limit 1"), table
        for table in ("entity_15m", "entity_1h", "entity_1d", "worker_15m", "worker_1h"):
            owner = "where entity_id in (select id from pools)" if table[0] == "e" else ""
            same = await rows_of(
                connection, f"select sum(accepted), sum(rejected) from {table} {owner}"
            )
            assert same[0] == pytest.approx(found[0], rel=1e-12), table
