"""`hashgauge notify`: publishes events from a process of its own."""

from __future__ import annotations

from deploy.local.running import load
from deploy.process.telemetry import configure_logging


def notify() -> None:
    """Publish events (Kafka, webhooks, Telegram, e-mail) from a process of its own.

    `aggregate` publishes too where it computes figures; one process publishes at a time.

    Example: `hashgauge notify`
    """
    from deploy.checks.preflight import check_database
    from deploy.process.runtime import run
    from deploy.wiring.services import aggregator_services

    settings = load()
    configure_logging(settings)
    check_database(settings)
    run(aggregator_services(settings, intake=False, figures=False, publisher=True))
