"""`hashgauge migrate`: brings the database to the newest schema."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from deploy.local.running import load
from deploy.settings.addresses import database_url


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
    ] = False,
) -> None:
    """Migrate the database to the newest schema; safe to repeat.

    Example: `DATABASE_URL=postgresql://... hashgauge migrate`
    """
    from aggregator.figures.rollups.retention import Policies
    from deploy.database import migrate as migrations

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
    console.print(f"schema {report.version:04}, {report.database_kind}")
