"""`hashgauge report`: the daily report of a miner, as a CSV or Parquet file."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from deploy.preflight import ready_database
from deploy.readable import console
from deploy.settings import load
from ingest.errors import FatalError

if TYPE_CHECKING:
    import pandas as pd

# A day of a miner takes well under a second; nobody waits for this one in a browser.
_STATEMENT_S = 60.0
_DAY = "YYYY-MM-DD"

Parts = AsyncIterator[tuple[date, "pd.DataFrame"]]


def report(
    account: Annotated[str, typer.Argument(help="The miner, by its account name.")],
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar=_DAY, help="First UTC day."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar=_DAY, help="Last UTC day."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet file (default: CSV on standard output).")
    ] = None,
    donor: Annotated[
        bool, typer.Option("--given", help="The boundary workers that the miner gives away.")
    ] = False,
) -> None:
    """Write the daily hashrate, reject rate and availability of each of a miner's workers.

    Days are UTC. Without --from and --to: the last seven complete days.

    Example: `hashgauge report farm_001 --from 2026-11-01 --out november.parquet`
    """
    if first and last and first > last:
        raise typer.BadParameter("it lies after --to", param_hint="--from")
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise typer.BadParameter("ends neither in .csv nor in .parquet", param_hint="--out")
    days = (first.date() if first else None, last.date() if last else None)
    asyncio.run(_write(account, days, out=out, donor=donor))


async def _write(
    account: str, asked: tuple[date | None, date | None], *, out: Path | None, donor: bool
) -> None:
    from query_api import reports
    from query_api.config import ApiConfig, DatabaseConfig
    from query_api.database import Database
    from query_api.errors import ApiError
    from query_api.store.availability import availability_from

    config = ApiConfig(DatabaseConfig(url=ready_database(load()), statement_timeout_s=_STATEMENT_S))
    database = Database(config.database)
    await database.open()
    try:
        found = await database.fetch_row(reports.SQL["miner_and_beat"], account)
        if found is None:
            raise FatalError(f"no miner {account}")
        if found["stream_time"] is None:
            raise FatalError("there are no figures yet: is an aggregator running?")
        complete_to: datetime = found["complete_to"].astimezone(UTC)
        days = reports.days_of(
            *asked,
            complete_to_s=int(complete_to.timestamp()),
            max_days=config.report_max_days,
        )
        parts = reports.frames(
            database,
            reports.Report.DONOR if donor else reports.Report.MINER,
            found["id"],
            days=days,
            availability=availability_from(database, as_of=found["stream_time"]),
        )
        rows = await _save(parts, out)
    except ApiError as error:
        raise FatalError(error.message.removeprefix("query ")) from None
    finally:
        await database.close()
    told = f"{rows:,} rows, {days.first} to {days.last}"
    if out is not None:
        console().print(f"{told}, in {out}")
    elif rows == 0:
        # Not among the rows: a header alone in a pipe is a report, too.
        Console(stderr=True, highlight=False).print(f"{told}; --from and --to choose other days")


async def _save(parts: Parts, out: Path | None) -> int:
    if out is not None and out.suffix == ".parquet":
        return await _save_parquet(parts, out)
    from query_api.reports import as_csv

    rows = -1  # the header
    with contextlib.nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as file:
        async for chunk in as_csv(parts):
            file.write(chunk)
            rows += chunk.count(b"\n")
    return rows


async def _save_parquet(parts: Parts, out: Path) -> int:
    """A row group a day. Rates as numbers: a table is for computing, not for reading."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("date", pa.date32()),
            ("account_name", pa.string()),
            ("worker_name", pa.string()),
            ("hashrate", pa.float64()),
            ("rejectrate", pa.float64()),
            ("availability", pa.float64()),
        ]
    )
    rows = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        async for day, frame in parts:
            columns: dict[str, Any] = {
                "date": [day] * len(frame),
                "hashrate": frame["hashrate"].astype("float64"),
                "rejectrate": frame["rejectrate"].astype("float64"),
            }
            table = frame.assign(**columns)
            writer.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False))
            rows += len(frame)
    return rows
