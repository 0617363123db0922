"""`hashgauge webhooks`: what could not be delivered, sending it again, and new secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

from deploy.preflight import ready_database
from deploy.readable import console, table
from deploy.settings import load

if TYPE_CHECKING:
    from aggregator.notify.webhook_admin import Connection

app: Final = typer.Typer(
    help="Manage miners' webhooks: failed messages and secrets.", no_args_is_help=True
)

Found = TypeVar("Found")

Webhook = Annotated[UUID | None, typer.Option(help="Only this webhook (default: all).")]


@app.command("list-failed")
def list_failed(
    webhook: Webhook = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
) -> None:
    """List messages that were given up after a day of retries.

    Example: `hashgauge webhooks list-failed --limit 20`
    """
    from aggregator.notify import webhook_admin

    failed = _run(
        lambda connection: webhook_admin.list_failed(connection, webhook_id=webhook, limit=limit)
    )
    rows = table("webhook", "url", "event", "attempts", "last error", "given up")
    for row in failed:
        rows.add_row(
            str(row["webhook_id"]),
            row["url"],
            str(row["event_id"]),
            str(row["attempts"]),
            row["last_error"],
            f"{row['finished_at']:%Y-%m-%d %H:%M}Z",
        )
    console().print(rows)


@app.command()
def replay(webhook: Webhook = None) -> None:
    """Send given-up messages again under their own ids.

    Example: `hashgauge webhooks replay --webhook 5f0c8d1e-...`
    """
    from aggregator.notify import webhook_admin

    count = _run(lambda connection: webhook_admin.replay_failed(connection, webhook_id=webhook))
    console().print(f"{count} messages are due again")


@app.command()
def rotate(
    webhook: Annotated[UUID, typer.Argument(help="Its id.")],
    overlap_hours: Annotated[
        float, typer.Option(min=0, help="How long the old secret keeps signing, too.")
    ] = 24.0,
) -> None:
    """Give a webhook a new secret and show it once. Both sign until the overlap ends.

    Example: `hashgauge webhooks rotate 5f0c8d1e-... --overlap-hours 48`
    """
    from aggregator.notify import webhook_admin

    secret = _run(
        lambda connection: webhook_admin.rotate(
            connection, webhook, overlap_s=overlap_hours * 3_600
        )
    )
    if secret is None:
        raise typer.BadParameter("no such webhook", param_hint="WEBHOOK")
    screen = console()
    screen.print("the new secret is shown this once:")
    screen.print(secret, soft_wrap=True)


def _run(step: Callable[[Connection], Awaitable[Found]]) -> Found:
    return asyncio.run(_with_connection(step))


async def _with_connection(step: Callable[[Connection], Awaitable[Found]]) -> Found:
    import psycopg
    from psycopg.rows import dict_row

    connecting: Any = psycopg.AsyncConnection.connect(
        ready_database(load()), row_factory=dict_row, autocommit=True
    )
    async with await connecting as connection:
        return await step(connection)
