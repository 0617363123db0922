"""`hashgauge aggregate`: consumes shares and computes figures."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from deploy.local.running import load
from deploy.process.telemetry import configure_logging
from deploy.settings.addresses import bootstrap_servers


class Role(StrEnum):
    INTAKE = "intake"
    FIGURES = "figures"
    BOTH = "both"


def aggregate(
    role: Annotated[
        Role, typer.Option(help="Consume shares, compute figures, or both in one process.")
    ] = Role.BOTH,
) -> None:
    """Consume shares and compute the figures.

    Any number of processes may consume, up to one per partition; of those that compute figures one
    leads and the others stand by.

    Example: `hashgauge aggregate --role intake`
    """
    from deploy.checks.preflight import check_broker, check_database
    from deploy.process.runtime import run
    from deploy.wiring.services import aggregator_services

    settings = load()
    configure_logging(settings)
    check_database(settings)
    if role != Role.FIGURES:
        check_broker(bootstrap_servers(settings))
    intake, figures = role != Role.FIGURES, role != Role.INTAKE
    run(aggregator_services(settings, intake=intake, figures=figures, publisher=figures))
