"""`hashgauge report`: the daily report of a miner, as a CSV or Parquet file."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import console
from deploy.local.running import load
from ingest.errors import FatalError

if TYPE_CHECKING:
    from query_api.telemetry.reports import Piece

# A day of a miner takes well under a second; nobody waits for this one in a browser.
_STATEMENT_S = 60.0
_DAY = "YYYY-MM-DD"

# Nobody else waits for this process: a whole day at once.
_ROWS_AT_ONCE: Final = 1_000_000

Parts = AsyncIterator["Piece"]


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
    from query_api.config import ApiConfig, DatabaseConfig
    from query_api.database import Database
    from query_api.http.errors import ApiError
    from query_api.telemetry import reports
    from query_api.telemetry.availability import availability_from

    config = ApiConfig(DatabaseConfig(url=ready_database(load()), statement_timeout_s=_STATEMENT_S))
    database = Database(config.database)
    await database.open()
    try:
        found = await database.fetch_row(reports.SQL["miner_and_version"], account)
        if found is None:
            raise FatalError(f"no miner {account}")
        if found["stream_time"] is None:
            raise FatalError("there are no figures yet: is an aggregator running?")
        watermark: datetime = found["watermark"].astimezone(UTC)
        days = reports.days_of(
            *asked,
            watermark_s=int(watermark.timestamp()),
            max_days=config.reports.max_days,
        )
        parts = reports.pieces(
            database,
            reports.Report.DONOR if donor else reports.Report.MINER,
            found["id"],
            days=days,
            as_of=found["stream_time"],
            availability=availability_from(database, as_of=found["stream_time"]),
            rows_at_once=_ROWS_AT_ONCE,
        )
        rows = await _save(parts, out)
    except ApiError as error:
        raise FatalError(error.message.removeprefix("query ")) from None
    finally:
        await database.close()
    text = f"{rows:,} rows, {days.first} to {days.last}"
    if out is not None:
        console().print(f"{text}, in {out}")
    elif rows == 0:
        # Not among the rows: a header alone in a pipe is a report, too.
        Console(stderr=True, highlight=False).print(f"{text}; --from and --to choose other days")


async def _save(parts: Parts, out: Path | None) -> int:
    if out is not None and out.suffix == ".parquet":
        return await _save_parquet(parts, out)
    from query_api.telemetry.reports import BOM, as_csv

    rows = -1  # the header
    with contextlib.nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as file:
        # A file is for a spreadsheet, a pipe for the next program.
        file.write(b"" if out is None else BOM)
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
            ("reject_percent", pa.float64()),
            ("availability", pa.float64()),
        ]
    )
    rows = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        async for piece in parts:
            frame = piece.frame
            columns: dict[str, Any] = {
                "date": [piece.day] * len(frame),
                "hashrate": frame["hashrate"].astype("float64"),
                "rejectrate": frame["rejectrate"].astype("float64"),
            }
            table = frame.assign(**columns)
            writer.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False))
            rows += len(frame)
    return rows
