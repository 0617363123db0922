"""`hashgauge people`: the first owner of a pool, and deletions that somebody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, address, console, show_rows
from deploy.settings.settings import load

app: Final = typer.Typer(
    help="Make owners of pools; delete users and miners.", no_args_is_help=True
)


@app.command()
def owner(
    email: Annotated[str, typer.Argument(help="Who shall own the pool.")],
    pool: Annotated[str, typer.Argument(help="Its domain or its title.")],
) -> None:
    """Make somebody the owner of a pool.

    Whoever signs in with this address, verified, owns the pool from then on, and invites the others
    in the dashboard. Safe to repeat.

    Example: `hashgauge people owner boss@example.com "Example Pool"`
    """
    from query_api.admin.people import make_owner

    who = address(email, param_hint="EMAIL")
    uid = _run(make_owner(ready_database(load()), pool=pool, email=who), "POOL")
    console().print(f"{who} owns pool {uid} after signing in with this address")


@app.command()
def deletions(as_json: AsJson = False) -> None:
    """List deletions that were asked for and not carried out yet.

    Example: `hashgauge people deletions`
    """
    from query_api.admin.people import deletion_requests

    rows = asyncio.run(deletion_requests(ready_database(load())))
    columns = ("kind", "name", "id", "requested by", "requested")
    cells = (
        (row["kind"], row["name"], row["subject_uid"], row["created_by"], row["created_at"])
        for row in rows
    )
    show_rows(columns, cells, as_json=as_json)


@app.command("delete-user")
def delete_user(user: Annotated[UUID, typer.Argument(help="Its id.")]) -> None:
    """Delete a user: roles, keys, preferences, and the account in Ory Kratos.

    Refused while the user is the only owner of something. Safe to repeat.

    Example: `hashgauge people delete-user 0b7f6a0e-...`
    """
    from deploy.wiring.services import api_config
    from query_api.admin.people import delete_user_now

    settings = load()
    kratos = api_config(settings).access.kratos
    _run(delete_user_now(ready_database(settings), kratos, user), "USER")
    console().print(f"deleted {user}")


@app.command("delete-miner")
def delete_miner(account: Annotated[str, typer.Argument(help="Its account name.")]) -> None:
    """Delete a miner: nobody has access any more, and nothing is sent about it.

    Shares and money that were counted stay in the books, and the name stays taken.

    Example: `hashgauge people delete-miner north_hall`
    """
    from query_api.admin.people import delete_miner_now

    _run(delete_miner_now(ready_database(load()), account), "ACCOUNT")
    console().print(f"deleted {account}")


def _run(work: Coroutine[Any, Any, Any], param_hint: str) -> Any:
    from query_api.admin.people import PeopleError
    from query_api.http.errors import ApiError

    try:
        return asyncio.run(work)
    except (PeopleError, ApiError) as error:
        raise typer.BadParameter(str(error), param_hint=param_hint) from None
