"""`hashgauge kafka`: a real single-node Apache Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.running import load
from deploy.process.signals import stop_on_signals


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

    stop = stop_on_signals()
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
