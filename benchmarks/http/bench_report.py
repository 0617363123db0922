"""Memory of the API while it streams a month of a miner with 20,000 workers as CSV.

`python -m benchmarks.http.bench_report` fills a database of its own and reads the report twice from
a server process each time: the first day alone, and all 31. Peaks are the kernel's (VmHWM).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from psycopg import AsyncConnection

from benchmarks.load.api_load import BASE, KEY, server_process
from benchmarks.load.figures_data import START, add_figures, database, fill_rollup, server
from benchmarks.results import record

DAYS: Final = 31
DAY_MIN: Final = 1_440
MINER: Final = 2
HEADERS: Final = {"X-Headframe-API-Key": KEY, "Accept": "text/csv"}


async def fill(connection: AsyncConnection[Any]) -> str:
    """All workers belong to one miner, worked each day, and were stable from before the first on,
    with a silence in the middle of the month; the miner's id."""
    await connection.execute("update workers set miner_id = %s", (MINER,))
    await fill_rollup(connection, "worker_1d", DAY_MIN, 0, hours=DAYS * 24)
    await add_figures(connection, watermark=0)
    for number, (days_ago, status) in enumerate(
        ((DAYS + 1, "stable"), (DAYS // 2, "unavailable"), (DAYS // 2 - 0.1, "stable")), start=1
    ):
        await connection.execute(
            "insert into events (event_id, kind, at, miner_id, worker_id, transition_number,"
            " to_status, cause) select gen_random_uuid(), 'worker-status-changed', %s, miner_id,"
            " id, %s, %s, 'share' from workers",
            (START - timedelta(days=days_ago), number, status),
        )
    await connection.execute("vacuum analyze")
    found = await connection.execute("select uid::text from miners where id = %s", (MINER,))
    row = await found.fetchone()
    assert row is not None
    return str(row[0])


def rows_of(address: str, miner: str, days: int, *, pause_s: float) -> int:
    """Lines of the report but its header, read as they come; `pause_s` after each piece."""
    first, last = (START - timedelta(days=ago) for ago in (DAYS, DAYS - days + 1))
    path = f"{BASE}/miners/{miner}/workers/daily-report?from={first:%F}&to={last:%F}"
    with httpx2.stream("GET", address + path, headers=HEADERS, timeout=120) as response:
        response.raise_for_status()
        return sum(_lines(response.iter_bytes(), pause_s)) - 1


def _lines(pieces: Iterator[bytes], pause_s: float) -> Iterator[int]:
    for piece in pieces:
        yield piece.count(b"\n")
        time.sleep(pause_s)


def peak_mb(pid: int) -> float:
    """The most resident memory that the process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1_024 / 1e6


def peaks(url: str, miner: str, *, workers: int, days: int, pause_s: float) -> tuple[float, float]:
    """Peak of a fresh server before and after it sent the report of so many days, in MB."""
    with server_process("api", url) as (address, pid):
        httpx2.get(address + "/readyz").raise_for_status()
        before = peak_mb(pid)
        assert rows_of(address, miner, days, pause_s=pause_s) == days * workers
        return before, peak_mb(pid)


async def measured(workers: int, pause_s: float) -> dict[int, tuple[float, float]]:
    with server() as started:
        async with database(started, workers=workers) as connection:
            miner = await fill(connection)
            url = started.url(connection.info.dbname)
            return {
                days: await asyncio.to_thread(
                    peaks, url, miner, workers=workers, days=days, pause_s=pause_s
                )
                for days in (1, DAYS)
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=20_000)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after each piece read")
    options = parser.parse_args()
    found = asyncio.run(measured(options.workers, options.pause))
    for days, (before_mb, after_mb) in found.items():
        print(f"{days} days: {before_mb:.0f} MB before, at most {after_mb:.0f} MB")
    (_, day_mb), (before_mb, month_mb) = found[1], found[DAYS]
    record(
        "report_month_20k_csv_mb",
        month_mb,
        "MB",
        f"one day of the same miner: {day_mb:.0f} MB",
        f"peak resident memory of the API process (a fresh one has {before_mb:.0f} MB) while it "
        f"streams {DAYS} days of {options.workers:,} workers",
    )


if __name__ == "__main__":
    main()
