"""`hashgauge feed`: what existing pool software writes, into the topic of shares."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
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
from deploy.settings.addresses import bootstrap_servers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ingest.feeds.summary import FeedSummary
    from ingest.kafka.producer import ShareSink

Since = Annotated[
    datetime | None,
    typer.Option(
        help="UTC; earlier shares are passed over: `hashgauge import` has brought them.",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"],
        metavar="YYYY-MM-DD[THH:MM[:SS]Z]",
    ),
]

app: Final = typer.Typer(help="Feed in the shares of existing pool software.", no_args_is_help=True)


@app.command()
def ckpool(
    directory: CkpoolDirectory,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep reading what ckpool appends.")
    ] = False,
    shift_to_now: Annotated[
        bool,
        typer.Option("--shift-to-now", help="Shift the times of an old log so that it ends now."),
    ] = False,
    position: Annotated[
        Path | None,
        typer.Option(help="Where to keep the position (default: beside the directory)."),
    ] = None,
    since: Since = None,
    source: Annotated[str, typer.Option(help="Name of the stratum server.")] = "ckpool",
) -> None:
    """Read ckpool's share log; can be stopped and restarted without loss or repeats.

    Example: `hashgauge feed ckpool /var/log/ckpool --follow`
    """
    from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed
    from ingest.feeds.ckpool_files import is_share_log

    found = (path for depth in ("", "*/") for path in directory.glob(f"{depth}*.sharelog*"))
    if directory.is_dir() and not follow and not any(is_share_log(path.name) for path in found):
        raise typer.BadParameter(
            "holds no {height}/{job}.sharelog: is it the logdir of a ckpool that runs with -L?",
            param_hint="DIRECTORY",
        )
    config = CkpoolConfig(
        directory,
        position_path=position,
        follow=follow,
        shift_to_now=shift_to_now,
        since_ms=_ms(since),
        source=source,
    )
    _run(lambda sink, stop: CkpoolFeed(config, sink).run(stop))


@app.command()
def btcpool(
    source_servers: BtcpoolServers,
    follow: Annotated[
        bool, typer.Option(help="Run until stopped, or stop at the current end of the topic.")
    ] = True,
    accounts: BtcpoolAccounts = None,
    position: Annotated[
        Path | None, typer.Option(help="Where to keep the position (default: the data directory).")
    ] = None,
    since: Since = None,
    share_topic: BtcpoolShareTopic = BTCPOOL_SHARES,
    event_topic: BtcpoolEventTopic = BTCPOOL_EVENTS,
) -> None:
    """Read btcpool's share topic; can be stopped and restarted without loss or repeats.

    Example: `hashgauge feed btcpool kafka.pool:9092 --accounts accounts.json`
    """
    from ingest.feeds.btcpool.feed import BtcpoolConfig, BtcpoolFeed

    config = BtcpoolConfig(
        source_servers,
        position or load().data_dir / "btcpool.position",
        share_topic=share_topic,
        event_topic=event_topic,
        accounts_path=accounts,
        since_ms=_ms(since),
        follow=follow,
    )
    _run(lambda sink, stop: BtcpoolFeed(config, sink).run(stop))


@app.command()
def miningcore(
    address: Annotated[str, typer.Argument(help="The relay's publishUrl: tcp://host:port.")],
    pool: MiningcorePool = "",
) -> None:
    """Listen to Miningcore's share relay. It cannot replay: missed shares are lost, but counted.

    Example: `hashgauge feed miningcore tcp://pool:6000`
    """
    from ingest.feeds.miningcore import MiningcoreConfig, MiningcoreFeed

    config = MiningcoreConfig(address, pool=pool)
    _run(lambda sink, stop: MiningcoreFeed(config, sink).run(stop))


def _ms(since: datetime | None) -> int:
    return 0 if since is None else round(since.replace(tzinfo=UTC).timestamp() * 1_000)


def _report(summary: FeedSummary) -> str:
    parts = [
        f"{summary.read} shares read, {summary.sent} sent in {summary.messages} messages",
        f"skipped: {counts(summary.skipped)}" if summary.skipped else "",
        f"{summary.gaps} gaps" if summary.gaps else "",
        f"{summary.unreadable} files or folders unreadable" if summary.unreadable else "",
        f"NOT COUNTED: {counts(summary.refused)}" if summary.refused else "",
    ]
    lines = ["; ".join(part for part in parts if part)]
    if too_late := summary.refused["too_late"]:
        lines.append(
            f"{too_late} shares are older than minutes are kept: `hashgauge import` brings history"
        )
    return "\n".join(lines)


def _run(feed: Callable[[ShareSink, asyncio.Event], Awaitable[FeedSummary]]) -> None:
    from deploy.checks.preflight import check_broker
    from deploy.process.runtime import run
    from deploy.wiring.aggregator import share_sink_config
    from ingest.kafka.producer import KafkaShareSink

    settings = load()
    configure_logging(settings)
    check_broker(bootstrap_servers(settings))
    config = share_sink_config(settings)

    complete = True

    async def play(stop: asyncio.Event) -> None:
        nonlocal complete
        async with KafkaShareSink(config) as sink:
            summary = await feed(sink, stop)
        if settings.clock == "records":
            # A replay: lateness is measured against records, which bear the shares' own times.
            for reason in ("too_late", "too_early"):
                summary.refused.pop(reason, None)
        complete = summary.is_complete
        Console(stderr=True, highlight=False).print(_report(summary))

    run({"feed": play})
    if not complete:
        raise typer.Exit(INCOMPLETE)
