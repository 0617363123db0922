"""`hashgauge accounts`: the miners whose shares are counted."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.addresses import database_url
from deploy.settings import load
from schemas.named_sql import load as load_sql

app: Final = typer.Typer(help="Miners whose shares are counted.", no_args_is_help=True)


@app.command("list")
def list_accounts(
    search: Annotated[str, typer.Argument(help="Only names with this part.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
) -> None:
    """List accounts with their pool and their number of workers.

    Example: [b]hashgauge accounts list farm[/b]
    """
    table = Table("account", "pool", "status", "workers", box=None)
    for account, pool, status, workers in _run("list", {"search": search, "limit": limit}):
        table.add_row(account, pool, status, f"{workers:,}")
    Console(highlight=False).print(table)


@app.command()
def add(
    account_name: Annotated[
        str, typer.Argument(help="As miners log in: what stands before the dot.")
    ],
    title: Annotated[str | None, typer.Option(help="For people.")] = None,
    pool: Annotated[str, typer.Option(help="Title of its pool, where there are several.")] = "",
) -> None:
    """Add an account, for installations that do not create them by themselves.

    Needed with HASHGAUGE_INTAKE__CREATE_ACCOUNTS=false, where shares of strangers are dead letters.

    Example: [b]hashgauge accounts add farm_001 --title "Farm 1"[/b]
    """
    from ingest.admit import good_account

    if not good_account(account_name):
        raise typer.BadParameter("3 to 128 word characters", param_hint="ACCOUNT_NAME")
    pools = _run("pools", {"title": pool})
    if len(pools) != 1:
        known = ", ".join(found for _, found in pools) or "none"
        raise typer.BadParameter(f"name one pool (found: {known})", param_hint="--pool")
    fields = {"account_name": account_name, "title": title, "pool_id": pools[0][0]}
    added = _run("add", fields)
    if not added:
        raise typer.BadParameter("that account is there already", param_hint="ACCOUNT_NAME")
    Console(highlight=False).print(f"added {account_name} ({added[0][0]})", soft_wrap=True)


def _run(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    import psycopg

    statement = load_sql("deploy", "sql/accounts.sql")[name].encode()
    with psycopg.connect(database_url(load()), connect_timeout=5) as connection:
        return connection.execute(statement, parameters).fetchall()
