"""Commands that write shares: the simulator and the feeds of pool software."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from deploy.commands.formatting import finite
from deploy.local.running import load
from deploy.process.telemetry import configure_logging
from deploy.settings.addresses import bootstrap_servers
from deploy.settings.settings import Settings

if TYPE_CHECKING:
    from ingest.kafka.producer import Encoding
    from ingest.simulator.config import SimulatorConfig
    from ingest.simulator.service import OnProgress, Progress

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


def simulate(
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers in the pool (default: 300).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed and start give the same shares (default: 1).")
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option(help="Multiple of real time, or max (default: 1).", metavar="N|max"),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            help="UTC time of the first share (default: now).",
            formats=_TIMES,
            metavar="YYYY-MM-DD[THH:MM:SSZ]",
        ),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            min=0, callback=finite, help="Seconds to simulate, from the start (default: no end)."
        ),
    ] = None,
    backfill: Annotated[
        float | None,
        typer.Option(
            min=0,
            callback=finite,
            help="Start this many seconds ago and catch up fast (default: 0).",
        ),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Write what was sent to this .json or .parquet file.")
    ] = None,
    encoding: Annotated[
        Literal["arrow", "json"], typer.Option(help="Encoding of the messages.")
    ] = "arrow",
    final: Annotated[
        bool,
        typer.Option(
            "--final", help="End with a share on every partition, for replays by record time."
        ),
    ] = False,
) -> None:
    """Simulate a pool whose true sums are known, writing to the topic `shares`.

    Everything else about it is a setting: `hashgauge settings simulator`.

    Example: `hashgauge simulate --workers 40 --speed max --start 2026-01-01 --duration 86400
    --truth day.json`
    """
    from deploy.checks.preflight import check_broker
    from deploy.process.runtime import run
    from ingest.simulator.config import SimulatorConfig

    if truth is not None:
        _refuse_unwritable(truth)
    settings = load()
    configure_logging(settings)
    given: dict[str, Any] = {
        "workers": workers,
        "seed": seed,
        "duration_s": duration,
        "backfill_s": backfill,
        "truth_path": truth,
        "start_ms": None if start is None else _utc_ms(start),
    }
    config = dataclasses.replace(
        settings.configured("simulator", SimulatorConfig()),
        **{name: value for name, value in given.items() if value is not None},
    )
    if speed is not None:
        config = dataclasses.replace(config, speed=_speed(speed))
    config = dataclasses.replace(config, final_share_per_partition=final)

    check_broker(bootstrap_servers(settings))

    async def play(stop: asyncio.Event) -> None:
        await _play(settings, config, encoding, stop)

    run({"simulator": play})


async def _play(
    settings: Settings, config: SimulatorConfig, encoding: Encoding, stop: asyncio.Event
) -> None:
    from deploy.wiring.aggregator import share_sink_config
    from ingest.kafka.producer import KafkaShareSink
    from ingest.simulator.service import Simulator

    sink_config = dataclasses.replace(share_sink_config(settings), encoding=encoding)
    console = Console(stderr=True)
    async with KafkaShareSink(sink_config) as sink:
        with _progress_bar(console, config) as show:
            summary = await Simulator(config).run(sink, stop=stop, progress=show)
    console.print(
        f"{summary.shares} shares in {summary.messages} messages, "
        f"{(summary.end_ms - summary.start_ms) / 1_000:.0f} s of stream time"
    )


@contextmanager
def _progress_bar(console: Console, config: SimulatorConfig) -> Iterator[OnProgress | None]:
    """A bar at a terminal; nothing in a log file."""
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import (
        Progress as Bar,
    )

    if not console.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("simulating", total=config.duration_s)

        def show(progress: Progress) -> None:
            played_s = (progress.stream_ms - progress.start_ms) / 1_000
            text = f"{progress.shares:,} shares, {played_s:,.0f} s played"
            bar.update(task, completed=played_s, description=text)

        yield show


def _refuse_unwritable(truth: Path) -> None:
    """Now, and not at the end of a day that was played for it."""
    if truth.suffix not in (".json", ".parquet"):
        raise typer.BadParameter("ends neither in .json nor in .parquet", param_hint="--truth")
    if not truth.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {truth.parent}", param_hint="--truth")


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise typer.BadParameter("a number above 0, or max", param_hint="--speed")
    return speed


def _utc_ms(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1_000)
