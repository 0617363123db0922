"""`hashgauge feed`: what existing pool software writes, into the topic of shares."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from deploy.addresses import bootstrap_servers
from deploy.settings import load
from deploy.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ingest.feeds.summary import FeedSummary
    from ingest.sink import ShareSink

app: Final = typer.Typer(help="Feed in the shares of existing pool software.", no_args_is_help=True)


@app.command()
def ckpool(
    directory: Annotated[
        Path, typer.Argument(help="ckpool's log directory (ckpool must run with -L).")
    ],
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
    source: Annotated[str, typer.Option(help="Name of the stratum server.")] = "ckpool",
) -> None:
    """Read ckpool's share log; can be stopped and restarted without loss or repeats.

    Example: `hashgauge feed ckpool /var/log/ckpool --follow`
    """
    from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed

    found = (path for depth in ("", "*/") for path in directory.glob(f"{depth}*.sharelog"))
    if directory.is_dir() and not follow and not any(found):
        raise typer.BadParameter(
            "holds no {height}/{job}.sharelog: is it the logdir of a ckpool that runs with -L?",
            param_hint="DIRECTORY",
        )
    config = CkpoolConfig(
        directory,
        position_path=position,
        follow=follow,
        shift_to_now=shift_to_now,
        source=source,
    )
    _run(lambda sink, stop: CkpoolFeed(config, sink).run(stop))


@app.command()
def btcpool(
    source_servers: Annotated[str, typer.Argument(help="host:port of the pool's own Kafka.")],
    follow: Annotated[
        bool, typer.Option(help="Run until stopped, or stop at the current end of the topic.")
    ] = True,
    accounts: Annotated[
        Path | None, typer.Option(help="JSON file that maps user ids to account names.")
    ] = None,
    position: Annotated[
        Path | None, typer.Option(help="Where to keep the position (default: the data directory).")
    ] = None,
    share_topic: Annotated[str, typer.Option(help="btcpool's topic of shares.")] = "BtcShare",
    event_topic: Annotated[
        str, typer.Option(help="btcpool's topic of worker names.")
    ] = "BtcCommonEvents",
) -> None:
    """Read btcpool's share topic; can be stopped and restarted without loss or repeats.

    Example: `hashgauge feed btcpool kafka.pool:9092 --accounts accounts.json`
    """
    from ingest.feeds.btcpool import BtcpoolConfig, BtcpoolFeed

    config = BtcpoolConfig(
        source_servers,
        position or load().data_dir / "btcpool.position",
        share_topic=share_topic,
        event_topic=event_topic,
        accounts_path=accounts,
        follow=follow,
    )
    _run(lambda sink, stop: BtcpoolFeed(config, sink).run(stop))


@app.command()
def miningcore(
    address: Annotated[str, typer.Argument(help="The relay's publishUrl: tcp://host:port.")],
    pool: Annotated[str, typer.Option(help="Only this pool id (default: all).")] = "",
) -> None:
    """Listen to Miningcore's share relay. It cannot replay: missed shares are lost, but counted.

    Example: `hashgauge feed miningcore tcp://pool:6000`
    """
    from ingest.feeds.miningcore import MiningcoreConfig, MiningcoreFeed

    config = MiningcoreConfig(address, pool=pool)
    _run(lambda sink, stop: MiningcoreFeed(config, sink).run(stop))


def _said(summary: FeedSummary) -> str:
    skipped = ", ".join(f"{count} {reason}" for reason, count in summary.skipped.items())
    parts = [
        f"{summary.read} shares read, {summary.sent} sent in {summary.messages} messages",
        f"skipped: {skipped}" if skipped else "",
        f"{summary.gaps} gaps" if summary.gaps else "",
    ]
    return "; ".join(part for part in parts if part)


def _run(feed: Callable[[ShareSink, asyncio.Event], Awaitable[FeedSummary]]) -> None:
    from deploy.preflight import check_broker
    from deploy.runtime import run
    from deploy.wiring_aggregator import share_sink_config
    from ingest.sink import KafkaShareSink

    settings = load()
    configure_logging(settings)
    check_broker(bootstrap_servers(settings))
    config = share_sink_config(settings)

    async def play(stop: asyncio.Event) -> None:
        async with KafkaShareSink(config) as sink:
            summary = await feed(sink, stop)
        Console(stderr=True, highlight=False).print(_said(summary))

    run({"feed": play})
