"""`hashgauge keys`: internal API keys of the pool's own services."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from deploy.addresses import database_url
from deploy.settings import load
from schemas.named_sql import load as load_sql

app: Final = typer.Typer(help="Internal API keys (X-Headframe-API-Key).", no_args_is_help=True)

_KEY_BYTES: Final = 32


@app.command()
def create(title: Annotated[str, typer.Argument(help="What the key is for.")]) -> None:
    """Make an internal API key and show it, once.

    Example: [b]hashgauge keys create "billing service"[/b]
    """
    key = secrets.token_hex(_KEY_BYTES)
    digest = hashlib.sha256(key.encode()).digest()
    row = _run("create", {"digest": digest, "title": title})[0]
    console = Console(highlight=False)
    console.print(f"key {row[0]}; it is shown this once:")
    console.print(key, soft_wrap=True)


@app.command("list")
def list_keys() -> None:
    """List internal API keys; the keys themselves are not kept.

    Example: [b]hashgauge keys list[/b]
    """
    table = Table("id", "title", "created", "revoked")
    for key_id, title, created_at, revoked_at in _run("list", {}):
        revoked = "" if revoked_at is None else f"{revoked_at:%Y-%m-%d %H:%M}Z"
        table.add_row(str(key_id), title, f"{created_at:%Y-%m-%d %H:%M}Z", revoked)
    Console(highlight=False).print(table)


@app.command()
def revoke(key: Annotated[UUID, typer.Argument(help="Its id, from `keys list`.")]) -> None:
    """Revoke an internal API key; it opens nothing from the next few seconds on.

    Example: [b]hashgauge keys revoke 5f0c8d1e-...[/b]
    """
    if not _run("revoke", {"id": key}):
        raise typer.BadParameter("no such key, or revoked already", param_hint="KEY")
    Console(highlight=False).print(f"revoked {key}")


def _run(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    import psycopg

    statement = load_sql("deploy", "sql/keys.sql")[name].encode()
    with psycopg.connect(database_url(load()), connect_timeout=5) as connection:
        return connection.execute(statement, parameters).fetchall()
