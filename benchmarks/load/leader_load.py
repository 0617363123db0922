"""The leader at work: `python -m benchmarks.load.leader_load URL`.

A new minute of all workers every five seconds, flushed as intake does it and then taken in by one
cycle: twelve times as often as in life, so that each round of a load test has a whole cycle in it.
Prints a line after the first cycle, and ends by itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.figures.cycle import Cycle
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.store import open_rollups
from aggregator.figures.startup import rebuild
from benchmarks.load.figures_data import START, add_flushed, lease_of

EVERY_S: Final = 5.0
LONGEST_S: Final = 600.0


async def lead(url: str) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        lease = await lease_of(connection)
        rollups = await open_rollups(connection, Policies())
        state = await rebuild(connection, rollups)
        assert state is not None
        config = FiguresConfig(clock="records")
        cycle = Cycle(connection, lease=lease, rollups=rollups, config=config)
        began_s = time.monotonic()
        for minute in count(await _first_minute(connection)):
            due_s = time.monotonic() + EVERY_S
            await add_flushed(connection, minute)
            assert await cycle.run(state) is not None
            print(minute, flush=True)
            if due_s - began_s > LONGEST_S:
                return
            await asyncio.sleep(due_s - time.monotonic())


async def _first_minute(connection: AsyncConnection[Any]) -> int:
    """The one that follows what was taken in last."""
    cursor = await connection.execute("select watermark from leader")
    row = await cursor.fetchone()
    assert row is not None
    return int((row[0] - START).total_seconds()) // 60


@contextmanager
def leader_at_work(url: str) -> Iterator[None]:
    """From its first cycle on."""
    command = [sys.executable, "-m", "benchmarks.load.leader_load", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the leader ended before its first cycle"
            yield
            assert process.poll() is None, "the leader ended before the load did"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1]))
