"""Imports as tests run them: a clock that stands, a log of another year, what came of it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.rollups.retention import Policies
from aggregator.imports.config import ImportConfig
from aggregator.imports.service import Importer, ImportSummary
from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registry import Registry
from ingest.feeds.ckpool_lines import split_workername
from ingest.history.chunk import History
from schemas.worker import StatusPolicy

CKPOOL = Path(__file__).parents[2] / "data" / "ckpool"
LOG_BEGINS_S = 1_795_456_723
NOW = datetime(2026, 11, 28, 15, tzinfo=UTC)


class StillClock:
    """Stands at one instant; its monotonic time does not run either."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now_ms(self) -> int:
        return round(self.at.timestamp() * 1_000)

    def monotonic_s(self) -> float:
        return 0.0


async def imported(
    connection: AsyncConnection[Any],
    history: History,
    *,
    at: datetime = NOW,
    config: ImportConfig | None = None,
    intake: IntakeConfig | None = None,
) -> ImportSummary:
    importer = Importer(
        config or ImportConfig(),
        Registry(intake or IntakeConfig()),
        policies=Policies(),
        status=StatusPolicy(),
        clock=StillClock(at),
    )
    return await importer.run(connection, history, stop=asyncio.Event())


def shifted_log(folder: Path, *, by_s: int) -> Path:
    """The real log, all of its shares moved by `by_s` seconds."""
    pattern = re.compile(rb'("createdate": ?")(\d+)')
    for path in (CKPOOL / "logs").rglob("*.sharelog"):
        target = folder / path.relative_to(CKPOOL / "logs")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(
            pattern.sub(
                lambda found: found[1] + str(int(found[2]) + by_s).encode(), path.read_bytes()
            )
        )
    return folder


def true_sums(width_s: int, *, by_s: int) -> dict[tuple[str, str, int], list[float]]:
    """(account, worker, bucket) → accepted and rejected difficulty, from ckpool's own figures."""
    truth = orjson.loads((CKPOOL / "truth.json").read_bytes())
    sums: dict[tuple[str, str, int], list[Decimal]] = defaultdict(lambda: [Decimal(), Decimal()])
    for login, worker in truth["workers"].items():
        account, name = split_workername(login, worker["username"])
        for minute, work in worker["minutes"].items():
            start_s = int(minute) + by_s
            bucket = sums[account, name, start_s - start_s % width_s]
            for result, found in work.items():
                bucket[result != "accepted"] += Decimal(found["difficulty"])
    return {key: [float(side) for side in sides] for key, sides in sums.items()}


async def stored_sums(
    connection: AsyncConnection[Any], relation: str
) -> dict[tuple[str, str, int], list[float]]:
    """The same of a relation of workers."""
    found = await rows_of(
        connection,
        "select account_name, name, extract(epoch from bucket)::int8, accepted, rejected "
        f"from {relation} join workers on workers.id = worker_id "
        "join miners on miners.id = workers.miner_id",
    )
    return {(account, name, at_s): [*sides] for account, name, at_s, *sides in found}


async def rows_of(connection: AsyncConnection[Any], query: str) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()
