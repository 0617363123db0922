"""`hashgauge webhooks`: what could not be delivered, sending it again, and new secrets."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import typer

from deploy.commands.database import on_database
from deploy.commands.formatting import AsJson, console, finite, show_rows
from deploy.local.running import load

app: Final = typer.Typer(
    help="Manage miners' webhooks: failed messages and secrets.", no_args_is_help=True
)

Webhook = Annotated[UUID | None, typer.Option(help="Only this webhook (default: all).")]


@app.command("list-failed")
def list_failed(
    webhook: Webhook = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List messages that were given up after a day of retries.

    Example: `hashgauge webhooks list-failed --limit 20`
    """
    from aggregator.admin import webhooks

    failed = on_database(
        lambda connection: webhooks.list_failed(connection, webhook_id=webhook, limit=limit)
    )
    names = ("webhook_id", "url", "event_id", "attempts", "last_error", "finished_at")
    found = [[row[name] for name in names] for row in failed]
    columns = ("webhook", "url", "event", "attempts", "last error", "given up")
    show_rows(columns, found, as_json=as_json)


@app.command()
def replay(webhook: Webhook = None) -> None:
    """Send given-up messages again under their own ids.

    Example: `hashgauge webhooks replay --webhook 5f0c8d1e-...`
    """
    from aggregator.admin import webhooks

    count = on_database(lambda connection: webhooks.replay_failed(connection, webhook_id=webhook))
    console().print(f"{count} messages are due again")


@app.command()
def rotate(
    webhook: Annotated[UUID, typer.Argument(help="Its id.")],
    overlap_hours: Annotated[
        float,
        typer.Option(min=0, callback=finite, help="How long the old secret keeps signing, too."),
    ] = 24.0,
) -> None:
    """Give a webhook a new secret and show it once. Both sign until the overlap ends.

    Example: `hashgauge webhooks rotate 5f0c8d1e-... --overlap-hours 48`
    """
    from aggregator.admin import webhooks

    secret = on_database(
        lambda connection: webhooks.rotate(
            connection, webhook, seal=load().seal(), overlap_s=overlap_hours * 3_600
        )
    )
    if secret is None:
        raise typer.BadParameter("no such webhook", param_hint="WEBHOOK")
    screen = console()
    screen.print("the new secret is shown this once:")
    screen.print(secret, soft_wrap=True)
