"""Importing a year of 300 workers as hourly figures, and a share log share by share.

`python -m benchmarks.bench_import` writes both files first, then times each import into a durable
database of its own and checks the sums.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.figures.rollups.retention import Policies
from aggregator.imports.config import ImportConfig
from aggregator.imports.service import Importer, ImportSummary
from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registry import Registry
from benchmarks.load.figures_data import database, server
from benchmarks.results import record
from ingest.history.chunk import History
from ingest.history.ckpool import CkpoolHistory
from ingest.history.hourly import HourlyHistory
from schemas.runtime.clock import SystemClock
from schemas.worker import StatusPolicy

WORKERS: Final = 300
HOURS: Final = 365 * 24
SHARES: Final = 1_000_000
DIFFICULTY: Final = 8_192
END: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_LINE: Final = (
    '{{"workinfoid": 7711427872308592641, "clientid": {worker}, "enonce1": "cc7e046b", '
    '"nonce2": "3a6dc122bdeb6854", "nonce": "{nonce:08x}", "ntime": "6b047ecb", "diff": {diff}, '
    '"sdiff": 12712.63, "hash": "00000057a95f2cd0aeff0f317f9791fd8767b44cd0830642ae7bc1114f5e0959",'
    ' "result": true, "errn": 0, "createdate": "{second},125503140", "createby": "code", '
    '"createcode": "parse_submit", "createinet": "127.0.0.1:3833", '
    '"workername": "miner{miner}.rig{worker}", "username": "miner{miner}", '
    '"address": "127.0.1.11", "agent": "cgminer/4.12.1"}}\n'
)


def write_hours(path: Path) -> int:
    """As an export by hour has them; the sum of the accepted difficulty."""
    source, total = random.Random(1), 0
    with path.open("w") as file:
        file.write("account,worker,hour,accepted,rejected\n")
        for hour in range(HOURS):
            at = END - timedelta(hours=HOURS - hour)
            for worker in range(WORKERS):
                accepted = source.randrange(1, 400) * DIFFICULTY
                total += accepted
                file.write(f"miner{worker % 10},rig{worker},{at:%Y-%m-%dT%H:%M:%SZ},{accepted},0\n")
    return total


def write_log(folder: Path) -> int:
    """Twelve hours of a share every 13 s of each worker, a month ago; the sum of the difficulty."""
    begin_s = round((END - timedelta(days=30)).timestamp())
    height = folder / "000e22bf"
    height.mkdir(parents=True)
    with (height / "6b047ecb00000001.sharelog").open("w") as file:
        for share in range(SHARES):
            worker = share % WORKERS
            second = begin_s + share * 43_200 // SHARES
            file.write(
                _LINE.format(
                    worker=worker, miner=worker % 10, nonce=share, diff=DIFFICULTY, second=second
                )
            )
    return SHARES * DIFFICULTY


async def timed(history: History, connection: AsyncConnection[Any]) -> tuple[float, ImportSummary]:
    importer = Importer(
        ImportConfig(),
        Registry(IntakeConfig()),
        policies=Policies(),
        status=StatusPolicy(),
        clock=SystemClock(),
    )
    # The database begins with a pool whose id did not come from the sequence.
    await connection.execute("select setval('entity_ids', 1000)")
    began_s = time.monotonic()
    summary = await importer.run(connection, history, stop=asyncio.Event())
    return time.monotonic() - began_s, summary


async def checked_sum(connection: AsyncConnection[Any]) -> float:
    cursor = await connection.execute("select sum(accepted) from worker_1d")
    row = await cursor.fetchone()
    assert row is not None
    return float(row[0])


async def main() -> None:
    with tempfile.TemporaryDirectory() as name, server() as started:
        hours, log = Path(name) / "hours.csv", Path(name) / "log"
        hour_sum, log_sum = write_hours(hours), write_log(log)
        async with database(started, workers=0) as connection:
            year_s, summary = await timed(HourlyHistory([hours]), connection)
            assert summary.counted == WORKERS * HOURS
            assert await checked_sum(connection) == hour_sum
        async with database(started, workers=0) as connection:
            log_s, summary = await timed(CkpoolHistory(log), connection)
            assert summary.counted == SHARES
            assert await checked_sum(connection) == log_sum
    shares_per_s = SHARES / log_s
    print(f"a year of {WORKERS} workers by the hour: {year_s:.1f} s")
    print(f"a share log: {shares_per_s:,.0f} shares/s")
    record(
        "import_year_300_s",
        year_s,
        "s",
        f"a share log comes in at {shares_per_s:,.0f} shares/s",
        f"{WORKERS * HOURS:,} hourly figures of {WORKERS} workers into hours and days",
    )


if __name__ == "__main__":
    asyncio.run(main())
