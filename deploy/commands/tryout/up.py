"""`hashgauge up`: the local stack."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from deploy.commands.formatting import program
from deploy.process.signals import stop_on_signals
from deploy.settings.settings import load

if TYPE_CHECKING:
    from deploy.local.stack import LocalStack

# The simulator's first shares make accounts; the table waits this long for one to show.
_EXAMPLE_TIMEOUT_S = 90.0


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
    identity: Annotated[
        Literal["none", "kratos"],
        typer.Option(help="kratos: people sign in; built once, in some 4 minutes."),
    ] = "none",
) -> None:
    """Start the local stack: database, broker, aggregator, API and a simulated pool.

    DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS replace the embedded servers. Data is kept in
    HASHGAUGE_DATA_DIR (.hashgauge); the next start continues from there.

    Example: `hashgauge up --workers 1000 --port 8081`
    """
    from deploy.local.broker import NOTICE
    from deploy.local.claim import claim
    from deploy.local.stack import LocalStack, Options
    from deploy.local.supervisor import Supervisor
    from deploy.process.listening import listen
    from deploy.settings.open_api import refuse_open_api

    # Logs, keys and data are for nobody else on this machine.
    os.umask(0o077)
    settings = load()
    # The stack is for trying out: it is open, on this machine alone, unless a key is set.
    changes = {"open_access": True} | ({} if port is None else {"port": port})
    settings = settings.model_copy(update=changes)
    refuse_open_api(settings)
    console = Console(highlight=False)
    stop = stop_on_signals()
    started_s = time.monotonic()
    # Now, and not when everything else has started.
    listen(settings.host, settings.port, port_from="--port").close()
    with claim(settings.data_dir, by="hashgauge up"):
        stack = LocalStack(settings, Options(workers, broker, identity), stop)
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


def _show(console: Console, stack: LocalStack, workers: int, stop: threading.Event) -> None:
    from deploy.local.example import example_paths
    from deploy.process.telemetry import without_credentials

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
    key = None if stack.identity is None else stack.identity.internal_key
    credential = f" -H 'X-Headframe-API-Key: {key}'" if key else ""
    for path in example_paths(stack.database_url, _EXAMPLE_TIMEOUT_S if workers else 0.0, stop):
        console.print(f"curl{credential} '{stack.api}{path}'", soft_wrap=True)
    if stack.identity is not None:
        for line in stack.identity.owned_pools(stack.database_url):
            console.print(line, soft_wrap=True)
    console.print(f"{program()} status --watch", soft_wrap=True)
