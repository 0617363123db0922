"""`hashgauge mail`: what could not be delivered, and sending it again."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deploy.commands.database import on_database
from deploy.commands.formatting import AsJson, console, show_rows

app: Final = typer.Typer(help="Manage mails that could not be delivered.", no_args_is_help=True)


@app.command("list-failed")
def list_failed(
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List mails that the server refused, or that were given up after a day of retries.

    Example: `hashgauge mail list-failed --limit 20`
    """
    from aggregator.admin import mail

    failed = on_database(lambda connection: mail.list_failed(connection, limit=limit))
    names = ("mail_id", "kind", "to_address", "attempts", "last_error", "finished_at")
    found = [[row[name] for name in names] for row in failed]
    columns = ("mail", "kind", "to", "attempts", "last error", "given up")
    show_rows(columns, found, as_json=as_json)


@app.command()
def replay(
    mail_id: Annotated[
        int | None, typer.Option("--mail", help="Only this mail (default: all).")
    ] = None,
) -> None:
    """Send mails that failed again, in order for each address.

    Example: `hashgauge mail replay --mail 1204`
    """
    from aggregator.admin import mail

    count = on_database(lambda connection: mail.replay_failed(connection, mail_id=mail_id))
    console().print(f"{count} mails are due again")
