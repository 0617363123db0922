"""Commands that run the service: migrate, aggregate, serve; and the list of settings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from deploy.addresses import bootstrap_servers, database_url
from deploy.overrides import as_text
from deploy.settings import all_settings, load
from deploy.telemetry import configure_logging


class Role(StrEnum):
    INTAKE = "intake"
    FIGURES = "figures"
    BOTH = "both"


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
    ] = False,
) -> None:
    """Migrate the database to the newest schema; safe to repeat.

    Example: `DATABASE_URL=postgresql://... hashgauge migrate`
    """
    from aggregator.figures.policies import Policies
    from deploy import migrate as migrations

    settings = load()
    url = database_url(settings)
    console = Console()
    if dry_run:
        waiting = migrations.pending(url)
        console.print("\n".join(waiting) if waiting else "nothing to do")
        return
    report = migrations.migrate(url, settings.configured("retention", Policies()))
    for line in (*report.applied, *report.policies, *report.notes):
        console.print(line)
    console.print(f"schema {report.version:04}, {report.flavour}")


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
    from deploy.preflight import check_broker, check_database
    from deploy.runtime import run
    from deploy.wiring import aggregator_services

    settings = load()
    configure_logging(settings)
    check_database(database_url(settings))
    if role != Role.FIGURES:
        check_broker(bootstrap_servers(settings))
    intake, figures = role != Role.FIGURES, role != Role.INTAKE
    run(aggregator_services(settings, intake=intake, figures=figures, publisher=figures))


def notify() -> None:
    """Publish events (Kafka, webhooks, Telegram) from a process of its own.

    `aggregate` publishes too where it computes figures; one process publishes at a time.

    Example: `hashgauge notify`
    """
    from deploy.preflight import check_database
    from deploy.runtime import run
    from deploy.wiring import aggregator_services

    settings = load()
    configure_logging(settings)
    check_database(database_url(settings))
    run(aggregator_services(settings, intake=False, figures=False, publisher=True))


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8090,
) -> None:
    """Accept shares over HTTP (POST /shares) from stratum servers without a Kafka client.

    Callers send the internal API key (HASHGAUGE_INTERNAL_API_KEY); without one it listens on
    loopback only.

    Example: `hashgauge gateway --port 8090`
    """
    from deploy.preflight import check_broker
    from deploy.runtime import run
    from deploy.wiring_aggregator import gateway_service

    settings = load()
    configure_logging(settings)
    service = gateway_service(settings, host=host, port=port)
    check_broker(bootstrap_servers(settings))
    run({"gateway": service})


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
    from deploy.runtime import run
    from deploy.wiring import api_service

    changes = {"host": host, "port": port}
    settings = load().model_copy(update={k: v for k, v in changes.items() if v is not None})
    configure_logging(settings)
    run({"api": api_service(settings)})


def settings(
    search: Annotated[str, typer.Argument(help="Only settings that mention this word.")] = "",
) -> None:
    """List every setting with its environment variable, default and reason.

    Example: `hashgauge settings retention`
    """
    console = Console(highlight=False)
    for setting in all_settings():
        shown = as_text(setting.default)
        words = f"{setting.variable} {setting.type_name} {shown} {setting.reason}"
        if search.lower() not in words.lower():
            continue
        console.print(f"[bold]{setting.variable}[/bold]={escape(shown)}", soft_wrap=True)
        console.print(Padding(f"{escape(setting.reason)} [dim]({setting.type_name})[/dim]", (0, 4)))
