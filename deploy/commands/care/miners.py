"""`hashgauge miners`: what a miner is called."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeVar

import typer

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import console
from deploy.local.running import load
from schemas.names.titles import as_kept, good_title

app: Final = typer.Typer(help="Name miners.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account name that its machines log in with.")]
Found = TypeVar("Found")


def on_miner(step: Coroutine[Any, Any, Found], account: str) -> Found:
    """A step of `query_api.admin.miners`; an unknown account is a bad argument."""
    from query_api.admin.miners import UnknownMinerError

    try:
        return asyncio.run(step)
    except UnknownMinerError:
        words = f"no miner is called {account}"
        raise typer.BadParameter(words, param_hint="ACCOUNT") from None


@app.command()
def rename(
    account: Account,
    title: Annotated[
        str | None, typer.Argument(help="What people read; without it the account name.")
    ] = None,
) -> None:
    """Give a miner another title; its account name and its history stay.

    Example: `hashgauge miners rename north_hall "North Hall"`
    """
    from query_api.admin import miners

    if title is not None and not good_title(title := as_kept(title)):
        raise typer.BadParameter("1 to 300 characters on one line", param_hint="TITLE")
    on_miner(miners.rename(ready_database(load()), account, title), account)
    console().print(f"{account} is shown as {title or account}", markup=False)
