"""`hashgauge keys`: API keys of the pool's own services and of users."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Final
from uuid import UUID

import typer

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, address, console, show_rows
from deploy.local.running import load
from ingest.errors import FatalError

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
    from query_api.admin.keys import create_key

    if not title.strip():
        raise typer.BadParameter("a key without a title cannot be told apart", param_hint="TITLE")
    if email is not None:
        email = address(email, param_hint="--email")
    key_id, key = asyncio.run(create_key(ready_database(load()), title=title, email=email))
    screen = console()
    screen.print(f"key {key_id}; it is shown this once:")
    screen.print(key, soft_wrap=True)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List API keys; the keys themselves are not stored.

    Example: `hashgauge keys list`
    """
    from query_api.admin.keys import list_keys as listed

    found = [
        (key.id, key.title, key.email or "internal", key.created_at, key.revoked_at)
        for key in asyncio.run(listed(ready_database(load())))
    ]
    show_rows(("id", "title", "user", "created", "revoked"), found, as_json=as_json)


@app.command()
def revoke(key: Annotated[UUID, typer.Argument(help="Its id, from `keys list`.")]) -> None:
    """Revoke an API key; it stops working within a few seconds.

    Example: `hashgauge keys revoke 5f0c8d1e-...`
    """
    from query_api.admin.keys import revoke_key

    if not asyncio.run(revoke_key(ready_database(load()), key)):
        raise typer.BadParameter("no such key, or revoked already", param_hint="KEY")
    console().print(f"revoked {key}")


@app.command("new-sealing-key")
def new_sealing_key() -> None:
    """Make a key for HASHGAUGE_SEALING_KEYS.

    To change keys: put the new one before the old one, restart every process, run
    `hashgauge keys reseal`, then take the old one away.

    Example: `hashgauge keys new-sealing-key > secrets/hashgauge_sealing_keys`
    """
    from schemas.sealing import new_sealing_key as made

    sys.stdout.write(made() + "\n")


@app.command()
def reseal() -> None:
    """Seal stored secrets with the first of HASHGAUGE_SEALING_KEYS: those that are plain, too.

    Example: `hashgauge keys reseal`
    """
    from query_api.admin.sealing import reseal as sealed_anew
    from schemas.sealing import SealedError

    settings = load()
    if not settings.sealing():
        raise typer.BadParameter("HASHGAUGE_SEALING_KEYS is not set")
    try:
        count = asyncio.run(sealed_anew(ready_database(settings), settings.seal()))
    except SealedError as error:
        raise FatalError(str(error)) from None
    console().print(f"{count} secrets are sealed with the first key")
