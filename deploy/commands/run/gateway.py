"""`hashgauge gateway`: accepts shares over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.running import load
from deploy.process.telemetry import configure_logging
from deploy.settings.addresses import bootstrap_servers


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8090,
) -> None:
    """Accept shares over HTTP (POST /shares) from stratum servers without a Kafka client.

    Callers send the internal API key (HASHGAUGE_INTERNAL_API_KEY); without one it listens on
    loopback only.

    Example: `hashgauge gateway --port 8090`
    """
    from deploy.checks.preflight import check_broker
    from deploy.process.runtime import run
    from deploy.wiring.aggregator import gateway_service
    from deploy.wiring.public import metrics_service

    settings = load()
    configure_logging(settings)
    service = gateway_service(settings, host=host, port=port)
    check_broker(bootstrap_servers(settings))
    run({"gateway": service, **metrics_service(settings)})
