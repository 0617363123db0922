"""`hashgauge database-roles`: a role of the database for each kind of process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.settings.addresses import server_url
from deploy.settings.settings import load


def database_roles(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Files database_url_owner, _api, _aggregator, _notifier: the addresses that the "
            "processes connect with.",
            file_okay=False,
            exists=True,
        ),
    ],
) -> None:
    """Make the database's roles, with the passwords of the addresses in FOLDER; safe to repeat.

    DATABASE_URL is a superuser's. Then `hashgauge migrate`, as the owner, makes the tables and says
    what each role may do with them.

    Example: `DATABASE_URL=postgresql://... hashgauge database-roles secrets`
    """
    from deploy.database.roles import OWNER, PROCESSES, make_roles, passwords_of

    urls = {}
    for role in (OWNER, *PROCESSES):
        file = folder / f"database_url_{role.removeprefix('hashgauge_')}"
        try:
            urls[role] = file.read_text().strip()
        except OSError as error:
            raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FOLDER") from None
    try:
        passwords = passwords_of(urls)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="FOLDER") from None
    made = make_roles(server_url(load()), passwords)
    Console(highlight=False).print("made " + ", ".join(made) if made else "all roles are there")
