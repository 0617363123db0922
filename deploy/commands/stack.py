"""Commands that start servers on this machine: the whole stack, or a real Kafka alone."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from deploy.settings import load

if TYPE_CHECKING:
    from deploy.local.stack import BrokerKind, LocalStack

# The simulator's first shares make accounts; the table waits this long for one to show.
_EXAMPLE_TIMEOUT_S = 30.0


def up(
    workers: Annotated[
        int, typer.Option(min=0, help="Simulated workers; 0 starts no simulator.")
    ] = 300,
    port: Annotated[int | None, typer.Option(help="Port of the API.")] = None,
    broker: Annotated[
        str, typer.Option(help="embedded (starts at once) or kafka (needs Java and Maven).")
    ] = "embedded",
) -> None:
    """Start the local stack: database, broker, aggregator, API and a simulated pool.

    DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS replace the embedded servers. What it keeps lies in
    HASHGAUGE_DATA_DIR (.hashgauge); the next start goes on from there.

    Example: [b]hashgauge up --workers 1000 --port 8081[/b]
    """
    from deploy.access import refuse_open_api
    from deploy.local.broker import NOTICE
    from deploy.local.stack import (
        LocalStack,
        Options,
        claimed,
        refuse_taken_port,
    )
    from deploy.local.supervisor import Supervisor

    settings = load()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    refuse_open_api(settings)
    console = Console(highlight=False)
    stop = _stop_on_signals()
    started_s = time.monotonic()
    refuse_taken_port(settings)
    with claimed(settings.data_dir):
        stack = LocalStack(settings, Options(workers, _broker_kind(broker)), stop)
        if broker == "embedded" and not settings.kafka_bootstrap_servers:
            console.print(NOTICE, soft_wrap=True)
        supervisor = Supervisor(stack.parts(), console.print)
        supervisor.start(stop)
        try:
            if not stop.is_set():
                _show(console, stack, workers, stop)
                console.print(f"started in {time.monotonic() - started_s:.1f} s; Ctrl-C stops it")
            supervisor.run(stop)
        finally:
            console.print("stopping")
            supervisor.stop()
            console.print("stopped")


def kafka(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 9092,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where it keeps its topics (default: .hashgauge/kafka).")
    ] = None,
) -> None:
    """Start one real Apache Kafka node; Ctrl-C stops it, its topics stay.

    Example: [b]hashgauge kafka[/b], then elsewhere
    [b]KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 hashgauge up[/b]
    """
    from deploy.local.kafka.node import KafkaNode

    stop = _stop_on_signals()
    node = KafkaNode(data_dir or load().data_dir / "kafka", port=port)
    console = Console(highlight=False)
    console.print("starting Kafka (the first start fetches its jars)")
    node.start()
    console.print(f"Kafka listens on {node.bootstrap_servers}; Ctrl-C stops it")
    while not stop.wait(0.5):
        if not node.running:
            console.print(f"Kafka ended; its log is {node.log_path}")
            raise typer.Exit(1)
    node.stop()


def _broker_kind(text: str) -> BrokerKind:
    if text == "embedded":
        return "embedded"
    if text == "kafka":
        return "kafka"
    raise typer.BadParameter("it is embedded or kafka", param_hint="--broker")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _show(console: Console, stack: LocalStack, workers: int, stop: threading.Event) -> None:
    from deploy.local.example import example_paths
    from deploy.telemetry import without_credentials

    table = Table("what", Column("where", overflow="fold"), title="Hashgauge", title_justify="left")
    table.add_row("API and dashboard", stack.api)
    table.add_row("reference", f"{stack.api}/api/backend/v0.1/docs")
    table.add_row("metrics of the aggregator", f"{stack.monitor}/metrics")
    table.add_row("database", without_credentials(stack.database_url))
    table.add_row("broker", stack.bootstrap_servers)
    table.add_row("simulator", f"{workers} workers" if workers else "none")
    table.add_row("logs", str(stack.logs))
    console.print(table)
    for path in example_paths(stack.database_url, _EXAMPLE_TIMEOUT_S if workers else 0.0, stop):
        # One line each, whatever the width: to be copied.
        console.print(f"curl '{stack.api}{path}'", soft_wrap=True)
