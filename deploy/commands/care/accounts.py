"""`hashgauge accounts`: pools, operators, miners, and who has a role on them."""

from __future__ import annotations

import asyncio
import codecs
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, console, show_rows
from deploy.local.running import load
from schemas.names.search import ids_found
from schemas.runtime.named_sql import load as load_sql

app: Final = typer.Typer(help="Manage pools, operators, miners and roles.", no_args_is_help=True)

_STDIN: Final = Path("-")


@app.command("list")
def list_accounts(
    search: Annotated[
        str, typer.Argument(help="Only accounts with this in their name or title.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List miners with their pool and their number of workers.

    Example: `hashgauge accounts list farm`
    """
    import psycopg
    from psycopg.rows import dict_row

    sql = load_sql("deploy", "sql/accounts.sql")
    with psycopg.connect(ready_database(load())) as connection:
        found = None
        if search:
            names = connection.cursor(row_factory=dict_row).execute(sql["names"].encode())
            found = ids_found(names, search, "account_name", "title")
        chosen = {"found": found, "limit": limit}
        rows = connection.execute(sql["list"].encode(), chosen).fetchall()
    show_rows(("account", "pool", "status", "workers"), rows, as_json=as_json)


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
    content = sys.stdin.buffer.read() if file == _STDIN else file.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter("not a text in UTF-8 or UTF-16", param_hint="FILE") from None
    try:
        taken = asyncio.run(import_accounts(ready_database(load()), text.splitlines()))
    except AccountsError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    console().print(
        f"{taken.pools} pools, {taken.operators} operators, {taken.miners} miners, "
        f"{taken.roles} roles"
    )
