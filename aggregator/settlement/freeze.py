"""Freezes the inputs of a day: from then on nothing that anybody changes reaches it.

One transaction, one snapshot: the work of each hardware worker, what was agreed with each miner.
Their hash is kept with the day, so that a settlement can be shown to follow from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/freeze.sql")
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]


async def freeze(connection: Connection, day: date, *, now: datetime) -> str:
    """The hash of the inputs. The caller's transaction, which is a snapshot."""
    await gather(connection, day)
    await keep_work(connection, day, version=1)
    for name in ("gather_gifts", "analyze_gifts"):
        await connection.execute(_SQL[name])
    await keep_terms(connection, day)
    inputs_hash = await hash_of_inputs(connection, day)
    inputs = {"frozen": ["settlement_work version 1", "settlement_terms"]}
    await connection.execute(
        _SQL["keep_day"],
        {"day": day, "inputs_hash": inputs_hash, "inputs": Jsonb(inputs), "now": now},
    )
    log.info("day_frozen", day=day.isoformat(), inputs_hash=inputs_hash)
    return inputs_hash


async def gather(connection: Connection, day: date) -> None:
    """Temporary table `day_work`: the day's minutes as they are now, by worker and operator."""
    start, end = bounds(day)
    # CREATE TABLE AS takes no bound parameters.
    await connection.execute(
        sql.SQL(_SQL["gather"]).format(start=sql.Literal(start), end=sql.Literal(end))
    )
    await connection.execute(_SQL["analyze_work"])


async def keep_work(
    connection: Connection, day: date, *, version: int, miners: Sequence[int] | None = None
) -> None:
    """Hardware work of `day_work`, of all miners or of some, as a version of the inputs."""
    parameters = {"day": day, "version": version, "miners": miners}
    await connection.execute(_SQL["keep_work"], parameters)


async def keep_terms(
    connection: Connection, day: date, *, miners: Sequence[int] | None = None
) -> None:
    """What was agreed with the miners of `day_work` and `day_gifts`, or with some of them."""
    start, _ = bounds(day)
    await connection.execute(_SQL["keep_terms"], {"day": day, "start": start, "miners": miners})


async def hash_of_inputs(connection: Connection, day: date) -> str:
    """sha256 over the frozen work and terms, as hexadecimal digits."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["hash_of_inputs"], {"day": day})
        row = await cursor.fetchone()
    # A day without work has no digest: that of nothing.
    return hashlib.sha256().hexdigest() if row is None or row[0] is None else str(row[0])


def bounds(day: date) -> tuple[datetime, datetime]:
    """From 00:00 UTC to 00:00 UTC."""
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)
