"""`hashgauge import`: history of an existing pool, straight into minutes and rollups."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from deploy.commands.formatting import counts
from deploy.commands.run.options import (
    BTCPOOL_EVENTS,
    BTCPOOL_SHARES,
    INCOMPLETE,
    BtcpoolAccounts,
    BtcpoolEventTopic,
    BtcpoolServers,
    BtcpoolShareTopic,
    CkpoolDirectory,
    MiningcorePool,
)
from deploy.local.running import load
from deploy.process.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.imports.service import ImportSummary
    from ingest.history.chunk import History

_HELP: Final = """Bring in the history of existing pool software.

Exact, restartable at any point (what is counted is not counted again), beside live traffic, without
events or changes of status. History ends at the midnight before the first live share; from there on
`hashgauge feed` brings what the old software wrote. Days before are never settled.
"""

app: Final = typer.Typer(help=_HELP, no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="CSV files, with a header.", exists=True)]


@app.command()
def ckpool(
    directory: CkpoolDirectory,
) -> None:
    """All shares of ckpool's share log.

    Example: `hashgauge import ckpool /var/log/ckpool`
    """
    from ingest.history.ckpool import CkpoolHistory

    feed = f"ckpool {quote(str(directory))} --follow"
    _run(lambda: CkpoolHistory(directory), feed=feed)


@app.command()
def btcpool(
    source_servers: BtcpoolServers,
    accounts: BtcpoolAccounts = None,
    share_topic: BtcpoolShareTopic = BTCPOOL_SHARES,
    event_topic: BtcpoolEventTopic = BTCPOOL_EVENTS,
) -> None:
    """All that btcpool's share topic still holds.

    Example: `hashgauge import btcpool kafka.pool:9092 --accounts accounts.json`
    """
    from ingest.feeds.btcpool.feed import BtcpoolConfig
    from ingest.history.btcpool import open_btcpool

    config = BtcpoolConfig(
        source_servers,
        Path(),
        share_topic=share_topic,
        event_topic=event_topic,
        accounts_path=accounts,
    )
    _run(lambda: open_btcpool(config), feed=f"btcpool {source_servers}")


@app.command()
def miningcore(
    files: Files,
    pool: MiningcorePool = "",
) -> None:
    """Miningcore's table `shares` as CSV: poolid, miner, worker, difficulty, created.

    Example: `hashgauge import miningcore shares.csv --pool btc1`
    """
    from ingest.history.miningcore import MiningcoreHistory

    _run(lambda: nullcontext(MiningcoreHistory(files, pool=pool)))


@app.command()
def csv(files: Files) -> None:
    """Figures by the hour, from any pool: account, worker, hour, accepted (or hashrate), rejected.

    `hour` is the beginning of the hour, `accepted` and `rejected` are difficulty (1 = 2^32 hashes);
    `hashrate` and `rejectrate` in H/s may stand in their place. Without a column `account`, workers
    are log-ins (`alice.rig1`).

    Example: `hashgauge import csv 2025-*.csv`
    """
    from ingest.history.hourly import HourlyHistory

    _run(lambda: nullcontext(HourlyHistory(files)))


def _run(
    open_history: Callable[[], AbstractAsyncContextManager[History]], *, feed: str = ""
) -> None:
    from deploy.process.runtime import run
    from deploy.wiring.imports import import_history

    settings = load()
    configure_logging(settings)
    console = Console(stderr=True, highlight=False)
    complete = False

    async def play(stop: asyncio.Event) -> None:
        nonlocal complete
        async with open_history() as history:
            summary = await _with_progress(
                console,
                history.total,
                lambda done: import_history(settings, history, stop=stop, on_progress=done),
            )
        console.print(_report(summary, feed), soft_wrap=True)
        if stop.is_set():
            console.print("Stopped before the end; run it again to go on from there.")
        complete = summary.is_complete and not stop.is_set()

    run({"import": play})
    if not complete:
        raise typer.Exit(INCOMPLETE)


async def _with_progress(
    console: Console, total: int, work: Callable[..., object]
) -> ImportSummary:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("import"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("import", total=total)
        summary: ImportSummary = await work(  # type: ignore[misc]
            lambda done: progress.update(task, completed=done)
        )
    return summary


def _report(summary: ImportSummary, feed: str) -> str:
    live_from = f"{datetime.fromtimestamp(summary.live_from_s, UTC):%Y-%m-%dT%H:%MZ}"
    parts = [
        f"{summary.read} records read, {summary.counted} counted",
        f"{summary.known} counted before" if summary.known else "",
        f"{summary.unreadable} files or folders unreadable" if summary.unreadable else "",
        f"REFUSED: {counts(summary.refused)}" if summary.refused else "",
    ]
    lines = ["; ".join(part for part in parts if part)]
    if summary.live:
        lines.append(
            f"{summary.live} since {live_from} were left out: from then on this installation counts"
            " by itself"
        )
    if feed:
        lines.append(f"Go on with: hashgauge feed {feed} --since {live_from}")
    return "\n".join(lines)
