"""`hashgauge serve`: the HTTP API and the dashboard."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.running import load
from deploy.process.telemetry import configure_logging


def serve(
    host: Annotated[str | None, typer.Option(help="Overrides HASHGAUGE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Overrides HASHGAUGE_PORT.")
    ] = None,
) -> None:
    """Serve the HTTP API and the dashboard.

    An internal API key (HASHGAUGE_INTERNAL_API_KEY) is required unless it listens on loopback.

    Example: `hashgauge serve --port 8081`
    """
    from deploy.checks.preflight import check_database
    from deploy.process.runtime import run
    from deploy.wiring.services import api_services

    changes = {"host": host, "port": port}
    settings = load().model_copy(update={k: v for k, v in changes.items() if v is not None})
    configure_logging(settings)
    services = api_services(settings)
    check_database(settings, through_pooler=True)
    run(services)
