"""`hashgauge payouts`: batches from the proposal to the chain.

Each step is a request, as over HTTP: a row that is carried out once. This command carries its own
out if it has the node and the descriptor, and waits for the payouts service if not.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from deploy.checks.preflight import PreflightError
from deploy.commands.database import on_database
from deploy.commands.formatting import AsJson, console, person, show_json, show_rows, table
from deploy.local.running import load

app: Final = typer.Typer(help="Pay what is due, in batches.", no_args_is_help=True)
psbt: Final = typer.Typer(help="The transaction on its way to the signer.", no_args_is_help=True)
app.add_typer(psbt, name="psbt")

Batch = Annotated[UUID, typer.Argument(help="The batch, as `payouts list` shows it.")]


@app.command()
def propose() -> None:
    """Make the list of who is paid, and reserve the amounts.

    Example: `hashgauge payouts propose`
    """
    _step("propose", None)


@app.command("list")
def list_batches(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List batches, newest first, and the money on hand.

    Example: `hashgauge payouts list`
    """
    from aggregator.admin import payouts

    found = on_database(lambda connection: payouts.list_batches(connection, limit=limit))
    columns = ("id", "state", "payees", "btc", "confirmations", "created", "stopped")
    names = ("id", "state", "payees", "total_btc", "confirmations", "created_at", "stopped")
    show_rows(columns, [[row[name] for name in names] for row in found], as_json=as_json)
    if not as_json:
        for row in on_database(payouts.money):
            console().print(_on_hand(row))


def _on_hand(row: dict[str, Any]) -> str:
    """Money on hand of one pool, and what is wrong with it."""
    owed = f"owes {row['liabilities_btc']} BTC, of which {row['due_btc']} are due"
    batches = f"{row['reserved_btc']} in batches, of which {row['promised_btc']} without coins yet"
    coins = f"{row['spendable_btc']} spendable, {row['locked_btc']} in batches"
    coming = f"{row['waiting_btc']} not deep enough, {row['immature_btc']} immature"
    lines = [
        f"{row['pool']}: {owed}; {batches}",
        f"wallet: {coins}, {coming} (seen {row['seen_at']:%Y-%m-%d %H:%M}Z)",
    ]
    if Decimal(row["shortfall_btc"]):
        lines.append(f"it lacks {row['shortfall_btc']} BTC to pay all who are due")
    if Decimal(row["unaccounted_btc"]):
        lines.append(
            f"account and unspent outputs differ by {row['unaccounted_btc']} BTC: "
            "see `hashgauge ledger check`"
        )
    return "\n".join(lines)


@app.command()
def show(batch: Batch, as_json: AsJson = False) -> None:
    """Show who is paid, who is not and why, and every step.

    Example: `hashgauge payouts show 5f0c8d1e-...`
    """
    from aggregator.admin import payouts

    found = on_database(lambda connection: payouts.show(connection, batch))
    if found is None:
        raise typer.BadParameter("no such batch", param_hint="BATCH")
    if as_json:
        show_json(found)
        return
    screen = console()
    screen.print(f"{found['state']}, {found['total_btc']} BTC, list {found['list_hash']}")
    if found["stopped"]:
        screen.print(f"needs a person: {found['stopped']}")
    for title in ("items", "left_out", "transactions", "steps"):
        rows = found[title]
        if not rows:
            continue
        shown = table(*rows[0], title=title.replace("_", " "))
        for row in rows:
            shown.add_row(*("" if value is None else str(value) for value in row.values()))
        screen.print(shown)


@app.command()
def approve(
    batch: Batch,
    list_hash: Annotated[str, typer.Argument(help="Hash of the list that you have looked at.")],
) -> None:
    """Approve exactly this list.

    Example: `hashgauge payouts approve 5f0c8d1e-... 9b1d...`
    """
    _step("approve", batch, hash=list_hash)


@app.command()
def build(batch: Batch) -> None:
    """Build the transaction of an approved batch from the wallet's coins.

    Example: `hashgauge payouts build 5f0c8d1e-...`
    """
    _step("build", batch)


@psbt.command("export")
def export(batch: Batch) -> None:
    """Print the PSBT to be signed.

    Example: `hashgauge payouts psbt export 5f0c8d1e-... > batch.psbt`
    """
    from aggregator.admin import payouts

    found = on_database(lambda connection: payouts.psbt_to_sign(connection, batch))
    if found is None:
        raise PreflightError("no transaction of this batch waits for a signature: build it first")
    sys.stdout.write(found + "\n")


@psbt.command("import")
def import_signed(
    batch: Batch,
    file: Annotated[
        Path | None, typer.Argument(help="The signed PSBT in base64; without it: standard input.")
    ] = None,
) -> None:
    """Take the signed PSBT; it must pay exactly what was built.

    Example: `hashgauge payouts psbt import 5f0c8d1e-... signed.psbt`
    """
    text = sys.stdin.read() if file is None else file.read_text("ascii", errors="replace")
    _step("import", batch, psbt=text)


@app.command()
def broadcast(batch: Batch) -> None:
    """Send the signed transaction; safe to repeat.

    Example: `hashgauge payouts broadcast 5f0c8d1e-...`
    """
    _step("broadcast", batch)


@app.command()
def bump(
    batch: Batch,
    fee_rate: Annotated[int, typer.Option(min=1, help="The new fee rate, in sat/vB.")],
) -> None:
    """Build a version with a higher fee, to be signed, imported and broadcast like the first.

    Example: `hashgauge payouts bump 5f0c8d1e-... --fee-rate 20`
    """
    _step("bump", batch, fee_rate=fee_rate)


@app.command()
def cancel(
    batch: Batch, reason: Annotated[str, typer.Option(help="Kept with the step.")] = ""
) -> None:
    """Give up a batch that is not signed; the amounts are balances again.

    Example: `hashgauge payouts cancel 5f0c8d1e-... --reason "wrong day"`
    """
    _step("cancel", batch, reason=reason)


def _step(action: str, batch: UUID | None, **arguments: Any) -> None:
    from deploy.wiring.payouts import request_step

    answer = asyncio.run(
        request_step(load(), action, batch, arguments, requested_by=f"command {person()}")
    )
    if answer.outcome == "refused":
        raise PreflightError(answer.message)
    console().print(answer.message if answer.outcome else f"waits: {answer.message}")
