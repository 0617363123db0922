"""`hashgauge watchers`: links that show one miner to whoever holds them."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import typer

from deploy.checks.preflight import ready_database
from deploy.commands.care.miners import Account, on_miner
from deploy.commands.formatting import AsJson, console, show_rows
from deploy.local.running import load
from schemas.names.titles import as_kept, good_title

app: Final = typer.Typer(help="List, make and revoke watcher links.", no_args_is_help=True)


@app.command("list")
def list_watchers(account: Account, as_json: AsJson = False) -> None:
    """List a miner's links in force with their tokens.

    Example: `hashgauge watchers list north_hall`
    """
    from query_api.admin import miners

    settings = load()
    found = on_miner(miners.watchers(ready_database(settings), account, settings.seal()), account)
    rows = [(each["id"], each["title"], each["created_at"], each["token"]) for each in found]
    show_rows(("id", "title", "made", "token"), rows, as_json=as_json)


@app.command()
def create(
    account: Account,
    title: Annotated[str | None, typer.Option(help="Whom it is for.")] = None,
) -> None:
    """Make a link; the dashboard opens it as `#watch=TOKEN`.

    Example: `hashgauge watchers create north_hall --title "night shift"`
    """
    from query_api.admin import miners

    if title is not None and not good_title(title := as_kept(title)):
        raise typer.BadParameter("1 to 300 characters on one line", param_hint="--title")
    settings = load()
    token = on_miner(
        miners.create_watcher(ready_database(settings), account, title, settings.seal()), account
    )
    console().print(f"#watch={token}", soft_wrap=True)


@app.command()
def revoke(
    account: Account, watcher: Annotated[UUID, typer.Argument(help="The link's id.")]
) -> None:
    """Revoke a link: whoever holds it sees nothing from now on.

    Example: `hashgauge watchers revoke north_hall 5f0c8d1e-...`
    """
    from query_api.admin import miners

    if not on_miner(miners.revoke_watcher(ready_database(load()), account, watcher), account):
        raise typer.BadParameter("the miner has no such link in force", param_hint="WATCHER")
    console().print("revoked")
