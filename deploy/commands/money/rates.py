"""`hashgauge rates`: what a terahash per second earns in a day."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from deploy.checks.preflight import PreflightError
from deploy.commands.formatting import AsJson, console, day_of, person, show_rows
from deploy.local.running import load

app: Final = typer.Typer(help="Show the rates of days, or enter them.", no_args_is_help=True)
_DAYS: Final = 30
# What a rate per TH/s may have so that payments show the one per H/s in full.
_DECIMALS: Final = 51


@app.command()
def show(
    days: Annotated[int, typer.Option(min=1, max=36_600, help="So many days back.")] = _DAYS,
    as_json: AsJson = False,
) -> None:
    """Show rates, newest first.

    Example: `hashgauge rates show --days 7`
    """
    from aggregator.settlement.rates import rates_between
    from deploy.wiring.settlement import money_connection

    today = datetime.now(UTC).date()

    async def found() -> list[Any]:
        async with money_connection(load()) as connection:
            return await rates_between(connection, today - timedelta(days=days), today)

    columns = ("day", "scheme", "BTC per TH/s", "fees", "blocks", "left out", "made", "by")
    rows = [
        (str(day), scheme, f"{rate * 10**12:.12f}", f"{ratio:.4f}", blocks, dropped, made, by)
        for day, scheme, rate, ratio, blocks, dropped, made, by in asyncio.run(found())
    ]
    show_rows(columns, rows, as_json=as_json)


@app.command("set")
def set_rate(
    day: Annotated[str, typer.Argument(help="The UTC day, such as 2026-11-27.")],
    rate: Annotated[str, typer.Argument(help="BTC per TH/s and day, such as 0.00000367.")],
) -> None:
    """Enter the rate of a day, as long as it is not settled.

    Example: `hashgauge rates set 2026-11-27 0.00000367`
    """
    _enter([_entry(day, rate)])


@app.command("import")
def import_rates(
    path: Annotated[Path, typer.Argument(help="CSV with the columns day and rate.")],
) -> None:
    """Enter the rates of many days, all or none.

    Example: `hashgauge rates import rates.csv`
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            if not {"day", "rate"} <= set(reader.fieldnames or ()):
                raise typer.BadParameter("it needs the columns day and rate", param_hint="PATH")
            entries = [_entry(row["day"], row["rate"]) for row in reader]
    except UnicodeDecodeError:
        raise typer.BadParameter("not a text in UTF-8", param_hint="PATH") from None
    days = [day for day, _ in entries]
    if twice := [day for day in days if days.count(day) > 1]:
        raise typer.BadParameter(f"{twice[0]} is there twice", param_hint="PATH")
    _enter(entries)


def _enter(rates: Sequence[tuple[date, Fraction]]) -> None:
    from psycopg.errors import CheckViolation

    from aggregator.settlement.rates import set_rate as keep
    from deploy.wiring.settlement import money_connection

    today = datetime.now(UTC).date()
    if late := [day for day, _ in rates if day > today]:
        raise typer.BadParameter(f"{late[0]} has not begun yet")

    async def write() -> None:
        async with money_connection(load()) as connection, connection.transaction():
            for day, rate in rates:
                await keep(
                    connection,
                    day,
                    rate,
                    now=datetime.now(UTC),
                    created_by=f"command by {person()}",
                )

    try:
        asyncio.run(write())
    except CheckViolation as error:
        raise PreflightError(error.diag.message_primary or str(error)) from None
    console().print(f"entered {len(rates)} rates")


def _entry(day: str, rate: str) -> tuple[date, Fraction]:
    """BadParameter names what is wrong. An exponent or a fraction is a slip of the pen."""
    found_day = day_of(day, param_hint="DAY")
    text = rate.strip()
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()):
        raise _bad_rate(f"{rate!r} is no rate such as 0.00000367")
    whole, _, decimals = text.partition(".")
    if len(decimals.rstrip("0")) > _DECIMALS:
        raise _bad_rate(f"at most {_DECIMALS} decimals are kept")
    if len(whole.lstrip("0")) > 1 or Decimal(text) > 1:
        raise _bad_rate(f"{rate} BTC per TH/s and day is more than a block: per TH/s is meant")
    return found_day, Fraction(Decimal(text))


def _bad_rate(words: str) -> typer.BadParameter:
    return typer.BadParameter(words, param_hint="RATE")
