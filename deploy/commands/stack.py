"""Commands that start servers on this machine: the whole stack, or a real Kafka alone."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from deploy.readable import program
from deploy.settings import load

if TYPE_CHECKING:
    from deploy.local.stack import LocalStack

# The simulator's first shares make accounts; the table waits this long for one to show.
_EXAMPLE_TIMEOUT_S = 30.0


def up(
    workers: Annotated[
        int, typer.Option(min=0, help="Simulated workers; 0 starts no simulator.")
    ] = 300,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port of the API (8080).")
    ] = None,
    broker: Annotated[
        Literal["embedded", "kafka"],
        typer.Option(help="embedded starts at once; kafka needs Java and Maven."),
    ] = "embedded",
) -> None:
    """Start the local stack: database, broker, aggregator, API and a simulated pool.

    DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS replace the embedded servers. Data is kept in
    HASHGAUGE_DATA_DIR (.hashgauge); the next start continues from there.

    Example: `hashgauge up --workers 1000 --port 8081`
    """
    from deploy.access import refuse_open_api
    from deploy.listening import listen
    from deploy.local.broker import NOTICE
    from deploy.local.claim import claim
    from deploy.local.stack import LocalStack, Options
    from deploy.local.supervisor import Supervisor

    settings = load()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    refuse_open_api(settings)
    console = Console(highlight=False)
    stop = _stop_on_signals()
    started_s = time.monotonic()
    # Now, and not when everything else has started.
    listen(settings.host, settings.port, port_from="--port").close()
    with claim(settings.data_dir, by="hashgauge up"):
        stack = LocalStack(settings, Options(workers, broker), stop)
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
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1.")] = 9092,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where to keep its topics (default: .hashgauge/kafka).")
    ] = None,
) -> None:
    """Start a real single-node Apache Kafka; Ctrl-C stops it and keeps its topics.

    Example: `hashgauge kafka`, then elsewhere
    `KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 hashgauge up`
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
    console.print("stopping")
    node.stop()
    console.print("stopped")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _show(console: Console, stack: LocalStack, workers: int, stop: threading.Event) -> None:
    from deploy.local.example import example_paths
    from deploy.telemetry import without_credentials

    facts = {
        "dashboard": f"{stack.api}/",
        "API reference": f"{stack.api}/api/backend/v0.1/docs",
        "metrics": f"{stack.api}/metrics and {stack.monitor}/metrics (aggregator)",
        "database": without_credentials(stack.database_url),
        "broker": stack.bootstrap_servers,
        "simulator": f"{workers} workers" if workers else "none",
        "logs": str(stack.logs),
    }
    # One line each, whatever the width: to be copied.
    for name, where in facts.items():
        console.print(f"{name:<14}{where}", soft_wrap=True)
    for path in example_paths(stack.database_url, _EXAMPLE_TIMEOUT_S if workers else 0.0, stop):
        console.print(f"curl '{stack.api}{path}'", soft_wrap=True)
    console.print(f"{program()} status --watch", soft_wrap=True)
