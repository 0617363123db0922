"""A day of 100,000 miners with 1,000,000 workers is frozen and booked.

`python -m benchmarks.money.bench_settlement [MINERS]` makes ten workers for each miner with five
minutes each, under an operator, with fees. A real day has more minutes; what they cost is the scan
that the one SQL statement beside it does, too: it only sums the same minutes. The ratio says how
much settling adds. Processor time counts this process and all of the server: on a machine that
others use, the clock says little.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from aggregator.ledger.check import check
from aggregator.settlement.config import SchemeFrom, SettlementConfig
from aggregator.settlement.days import settle_due
from aggregator.settlement.rate import Scheme
from aggregator.settlement.rates import set_rate
from aggregator.settlement.transactions import begin
from benchmarks.load.figures_data import server
from benchmarks.results import record
from deploy.database.migrate import migrate

MINERS: Final = 100_000
WORKERS_PER_MINER: Final = 10
MINUTES: Final = 5
DAY: Final = date(2026, 11, 26)
NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
RATE: Final = Fraction("0.00000367")
CONFIG: Final = SettlementConfig(schemes=(SchemeFrom(Scheme.GIVEN),), first_day=DAY)

_SEED: Final = (
    "insert into pools (title, fee) values ('Pool', 0.02)",
    "insert into operators (pool_id, title, default_pool_fee) select id, 'Farm', 0.01 from pools",
    """insert into miners (account_name, pool_id, operator_id, created_at)
    select 'miner-' || n, pools.id, operators.id, '2026-11-01'
    from generate_series(1, {miners}) n, pools, operators""",
    """insert into workers (miner_id, name)
    select miners.id, 'rig-' || n from miners, generate_series(1, {workers}) n""",
    """insert into worker_minutes (bucket, worker_id, miner_id, operator_id, accepted_count,
        rejected_count, accepted, rejected)
    select '2026-11-26 00:00+00'::timestamptz + minute * interval '1 minute', workers.id,
        workers.miner_id, operators.id, 6, 0, 65536 + workers.id % 1000 / 7.0, 0
    from generate_series(0, {minutes} - 1) minute, workers, operators""",
    "update leader set watermark = '2026-11-27 00:00+00'",
    "analyze",
)
_SUM: Final = "select sum(accepted) from worker_minutes where bucket < '2026-11-27 00:00+00'"


@dataclass(frozen=True, slots=True)
class Measured:
    settle_s: float
    processor_s: float
    sum_s: float


async def measure(url: str, miners: int) -> Measured:
    """Settle one day, and only sum it."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in _SEED:
            filled = statement.format(miners=miners, workers=WORKERS_PER_MINER, minutes=MINUTES)
            await connection.execute(filled.encode())
        await set_rate(connection, DAY, RATE, now=NOW, created_by="benchmark")

        @contextlib.asynccontextmanager
        async def transaction(*, snapshot: bool = False) -> AsyncIterator[None]:
            async with connection.transaction():
                await begin(connection, snapshot=snapshot)
                yield

        sum_s = await _timed_sum(connection)
        began_s, used_s = time.perf_counter(), _processor_s(connection)
        await settle_due(connection, CONFIG, now=NOW, transaction=transaction)
        settle_s, used_s = time.perf_counter() - began_s, _processor_s(connection) - used_s
        cursor = await connection.execute("select miners, workers, state from settlements")
        assert await cursor.fetchone() == (miners, miners * WORKERS_PER_MINER, "booked")
        assert await check(connection) == []
    return Measured(settle_s, used_s, sum_s)


def _processor_s(connection: AsyncConnection[Any]) -> float:
    """Of this process and all processes of the server, those that ended included."""
    server_pid = _stat(connection.info.backend_pid)[1]
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int(path.parent.name)
            fields = _stat(pid)
            ticks += sum(fields[11:15]) if pid == server_pid else 0
            ticks += sum(fields[11:13]) if fields[1] == server_pid else 0
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int]:
    """Fields of proc(5) from the third on: [1] the parent, [11:15] ticks used, by children too."""
    _, _, after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
    state, *numbers = after_name.split()
    return [ord(state), *map(int, numbers)]


async def _timed_sum(connection: AsyncConnection[Any]) -> float:
    await connection.execute(_SUM.encode())
    began_s = time.perf_counter()
    await connection.execute(_SUM.encode())
    return time.perf_counter() - began_s


def main() -> None:
    miners = int(sys.argv[1]) if len(sys.argv) > 1 else MINERS
    with server() as postgres:
        url = postgres.url()
        migrate(url)
        found = asyncio.run(measure(url, miners))
    sys.stdout.write(
        f"{miners} miners: settled in {found.settle_s:.1f} s ({found.processor_s:.1f} s of"
        f" processors), {found.settle_s / found.sum_s:.1f} times the sum\n"
    )
    if miners == MINERS:
        note = f"{WORKERS_PER_MINER} workers each, {MINUTES} minutes each, freeze and booking"
        record("settle_100k_miners_s", found.settle_s, "s", "", note)
        record("settle_100k_miners_processor_s", found.processor_s, "s", "", note)
        against = "one SQL statement that sums the same minutes"
        record("settle_to_sum_ratio", found.settle_s / found.sum_s, "x", against, note)


if __name__ == "__main__":
    main()
