"""`hashgauge ledger`: is every satoshi somewhere, and a journal for other tools."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import typer

from deploy.commands.failures import FAILED
from deploy.commands.formatting import AsJson, console, show_rows
from deploy.local.running import load
from schemas.money import btc_text

app: Final = typer.Typer(help="Check the ledger, or export it.", no_args_is_help=True)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check that everything adds up; the exit code is 1 if it does not.

    With BITCOIND_RPC_URL and the wallet's descriptor the node is asked for each unspent output.

    Example: `hashgauge ledger check`
    """
    problems, compared = asyncio.run(_problems())
    if as_json or problems:
        show_rows(("problem",), [[problem] for problem in problems], as_json=as_json)
    else:
        console().print(f"every satoshi is where it should be; {compared}")
    if problems:
        raise typer.Exit(FAILED)


async def _problems() -> tuple[list[str], str]:
    """What is wrong; and what the books were compared with, for a person."""
    from aggregator.chain.json_rpc import NodeAwayError
    from aggregator.ledger.check import check as problems_of
    from deploy.wiring.payouts import audit_wallet, pays
    from deploy.wiring.settlement import money_connection

    settings = load()
    compared, problems = "no node was asked for the wallet's outputs", []
    # The node first: the blocks that are read for it are in what the books are compared with.
    if pays(settings):
        try:
            audit = await audit_wallet(settings)
        except NodeAwayError as error:
            problems.append(f"the wallet's outputs: {error}")
        else:
            problems += audit.problems
            compared = f"the node has all {audit.outputs} unspent outputs of the wallet, "
            compared += f"{btc_text(audit.total_sat)} BTC"
    async with money_connection(settings) as connection:
        return await problems_of(connection) + problems, compared


@app.command()
def export() -> None:
    """Write all transfers as a plain-text journal that beancount reads.

    Example: `hashgauge ledger export > ledger.beancount`
    """
    from aggregator.ledger.export import journal
    from deploy.wiring.settlement import money_connection, reading

    async def write() -> None:
        async with (
            money_connection(load()) as connection,
            reading(connection),
        ):
            async for entry in journal(connection):
                sys.stdout.write(entry)

    asyncio.run(write())
