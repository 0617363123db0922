"""A figures leader as a process of its own, to be killed and frozen by tests.

python -m tests.integration.figures.leader_process DATABASE_URL HOLDER [SETTINGS as JSON]
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import replace
from typing import Any

from psycopg_pool import AsyncConnectionPool

from aggregator.figures.config import FiguresConfig
from aggregator.figures.leader import FiguresLeader
from schemas.runtime.clock import SystemClock
from schemas.worker import StatusPolicy

# Short, so that a test of a takeover takes seconds; the proportions are those of the defaults.
LEASE_S = 1.5
IDLE_S = 1.5


def config_of(holder: str, settings: dict[str, Any]) -> FiguresConfig:
    """The tests' own, and over it `settings`: fields of FiguresConfig, `status` as a mapping."""
    config = FiguresConfig(
        clock="records",
        holder=holder,
        lease_s=LEASE_S,
        renew_s=0.3,
        standby_poll_s=0.2,
        idle_in_transaction_s=IDLE_S,
        records_poll_s=0.02,
        retry_s=0.2,
    )
    status = StatusPolicy(**settings.pop("status", {}))
    return replace(config, status=status, **settings)


async def main(url: str, holder: str, settings: str = "{}") -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = config_of(holder, json.loads(settings))
    async with AsyncConnectionPool(url, open=False, min_size=1, max_size=3) as pool:
        await FiguresLeader(config, pool, SystemClock()).run(stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
