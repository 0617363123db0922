"""A week of worker minutes, as a Parquet file and in our tables, with the rollups of a leader."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from psycopg import AsyncConnection

from aggregator.figures.rollups.plain import PlainRollups
from aggregator.figures.rollups.retention import Policies
from benchmarks.load.figures_data import START

HOUR_S: Final = 3_600
MINUTES: Final = range(int(START.timestamp()), int(START.timestamp()) + 7 * 24 * HOUR_S, 60)
"""Where each minute of the week starts; the week starts at a midnight."""

_CREATE: Final = (
    "create temp table week (worker_id int4, bucket int8, accepted float8, rejected float8)"
)
_INSERT: Final = """
insert into worker_minutes (
    bucket, worker_id, miner_id, accepted_count, rejected_count, accepted, rejected
)
select to_timestamp(bucket), worker_id, miner_id, 8, 0, accepted, rejected
from week join workers on id = worker_id
order by worker_id, bucket
"""
_COMPLETE: Final = (
    "update leader set stream_time = to_timestamp(%(at)s), watermark = to_timestamp(%(at)s)"
)


def week_of_minutes(workers: int) -> pa.Table:
    """A row per worker and minute, by worker and time; the work of eight shares on average."""
    rng = np.random.default_rng(21)
    difficulty = np.repeat(rng.choice([8_192.0, 65_536.0, 131_072.0], workers), len(MINUTES))
    columns = {
        "worker_id": np.repeat(np.arange(1, workers + 1, dtype=np.int32), len(MINUTES)),
        "bucket": np.tile(np.arange(MINUTES.start, MINUTES.stop, MINUTES.step), workers),
        "accepted": difficulty * (1 + rng.poisson(7, len(difficulty))),
        "rejected": difficulty * rng.poisson(0.1, len(difficulty)),
    }
    return pa.table(columns)


async def fill(connection: AsyncConnection[Any], minutes: pa.Table) -> None:
    """Put the minutes into an empty database that knows the workers, and close every bucket."""
    lines = BytesIO()
    pyarrow.csv.write_csv(minutes, lines)
    await connection.execute(_CREATE)
    async with (
        connection.cursor() as cursor,
        cursor.copy("copy week from stdin (format csv, header)") as copy,
    ):
        await copy.write(lines.getbuffer())
    await connection.execute(_INSERT)
    rollups = PlainRollups(Policies(), rest=timedelta())
    await connection.execute(_COMPLETE, {"at": MINUTES.stop})
    while await rollups.settle(connection, watermark_s=MINUTES.stop):
        pass
    await connection.execute("vacuum (analyze, parallel 0)")
