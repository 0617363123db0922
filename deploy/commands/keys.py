"""`hashgauge keys`: API keys of the pool's own services and of users."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.markup import escape

from deploy.preflight import ready_database
from deploy.readable import console, table
from deploy.settings import load

app: Final = typer.Typer(
    help="Manage API keys, internal ones and those of users.", no_args_is_help=True
)


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="What the key is for.")],
    email: Annotated[
        str | None, typer.Option(help="The user whose key it is; without it: an internal key.")
    ] = None,
) -> None:
    """Create an API key and show it once.

    An internal key (X-Headframe-API-Key) opens everything; a user's key (Authorization: Bearer)
    opens what the user's roles open.

    Example: `hashgauge keys create "billing service"`
    """
    from query_api.admin.accounts import EMAIL
    from query_api.admin.keys import create_key

    if not title.strip():
        raise typer.BadParameter("a key without a title cannot be told apart", param_hint="TITLE")
    if email is not None and not EMAIL.fullmatch(email):
        raise typer.BadParameter("not an email address", param_hint="--email")
    key_id, key = asyncio.run(create_key(ready_database(load()), title=title, email=email))
    screen = console()
    screen.print(f"key {key_id}; it is shown this once:")
    screen.print(key, soft_wrap=True)


@app.command("list")
def list_keys() -> None:
    """List API keys; the keys themselves are not stored.

    Example: `hashgauge keys list`
    """
    from query_api.admin.keys import list_keys as listed

    rows = table("id", "title", "user", "created", "revoked")
    for key in asyncio.run(listed(ready_database(load()))):
        revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}Z"
        created = f"{key.created_at:%Y-%m-%d %H:%M}Z"
        rows.add_row(str(key.id), escape(key.title), key.email or "internal", created, revoked)
    console().print(rows)


@app.command()
def revoke(key: Annotated[UUID, typer.Argument(help="Its id, from `keys list`.")]) -> None:
    """Revoke an API key; it stops working within a few seconds.

    Example: `hashgauge keys revoke 5f0c8d1e-...`
    """
    from query_api.admin.keys import revoke_key

    if not asyncio.run(revoke_key(ready_database(load()), key)):
        raise typer.BadParameter("no such key, or revoked already", param_hint="KEY")
    console().print(f"revoked {key}")
