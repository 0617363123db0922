"""`hashgauge accounts`: pools, operators, miners, and who has a role on them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from deploy.preflight import ready_database
from deploy.readable import console, table
from deploy.settings import load
from schemas.named_sql import load as load_sql

app: Final = typer.Typer(help="Manage pools, operators, miners and roles.", no_args_is_help=True)

_STDIN: Final = Path("-")


@app.command("list")
def list_accounts(
    search: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
) -> None:
    """List miners with their pool and their number of workers.

    Example: `hashgauge accounts list farm`
    """
    import psycopg

    statement = load_sql("deploy", "sql/accounts.sql")["list"].encode()
    rows = table("account", "pool", "status", "workers")
    with psycopg.connect(ready_database(load())) as connection:
        for row in connection.execute(statement, {"search": search, "limit": limit}):
            account, pool, status, workers = row
            rows.add_row(account, escape(pool), status, f"{workers:,}")
    console().print(rows)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file; - reads standard input.")],
) -> None:
    """Import pools, operators, miners and roles; safe to repeat.

    The header names columns of: pool, domain, operator, miner, title, email, role. One line is a
    miner, or a role on the miner, operator or pool that it names. Nothing is ever removed.

    Needed with HASHGAUGE_INTAKE__CREATE_ACCOUNTS=false, where shares of strangers are dead letters.

    Example: `hashgauge accounts import accounts.csv`
    """
    from query_api.admin.accounts import AccountsError, import_accounts

    if file != _STDIN and not file.is_file():
        raise typer.BadParameter("no such file", param_hint="FILE")
    try:
        text = sys.stdin.read() if file == _STDIN else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter("not a text in UTF-8", param_hint="FILE") from None
    try:
        taken = asyncio.run(import_accounts(ready_database(load()), text.splitlines()))
    except AccountsError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    console().print(
        f"{taken.pools} pools, {taken.operators} operators, {taken.miners} miners, "
        f"{taken.roles} roles"
    )
