"""`hashgauge pool`: the pools, and what people see of them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import typer
from rich.markup import escape

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, console, show_rows
from deploy.local.running import load
from schemas.addresses.host import HOST
from schemas.names.titles import as_kept, good_title
from schemas.runtime.named_sql import load as load_sql

app: Final = typer.Typer(help="Show pools, and set what people see of them.", no_args_is_help=True)


@app.command("list")
def list_pools(as_json: AsJson = False) -> None:
    """List pools with their domain, fee and minimum payout.

    Example: `hashgauge pool list`
    """
    import psycopg

    statement = load_sql("deploy", "sql/accounts.sql")["pools"].encode()
    with psycopg.connect(ready_database(load())) as connection:
        found = connection.execute(statement).fetchall()
    columns = (
        "pool", "domain", "fee", "minimum payout", "miners", "takes unknown accounts",
        "public page", "public miners",
    )  # fmt: skip
    show_rows(columns, found, as_json=as_json)


@app.command("set")
def set_pool(
    pool: Annotated[str, typer.Argument(help="Its domain, or its title.")],
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    domain: Annotated[str | None, typer.Option(help="The host of its dashboard.")] = None,
    fee: Annotated[str | None, typer.Option(help="0 to 1, such as 0.009 for 0.9 %.")] = None,
    min_payout: Annotated[str | None, typer.Option(help="In BTC, such as 0.001.")] = None,
    public_page: Annotated[
        bool | None, typer.Option(help="Anybody may see the pool's figures.")
    ] = None,
    public_miners: Annotated[
        bool | None, typer.Option(help="Anybody may look a miner up by its account name.")
    ] = None,
) -> None:
    """Set a pool's title, domain, fee or minimum payout, and what of it is public.

    Example: `hashgauge pool set pool --title "Harbor Pool" --domain pool.example --fee 0.009`
    """
    import psycopg

    if title is not None and not good_title(title := as_kept(title)):
        raise typer.BadParameter("1 to 300 characters on one line", param_hint="--title")
    if domain is not None and not HOST.fullmatch(domain):
        raise typer.BadParameter("a host such as pool.example is expected", param_hint="--domain")
    changes = {
        "title": title,
        "domain": domain,
        "fee": _number(fee, "--fee", most=Decimal(1), decimals=6),
        "public_page": public_page,
        "public_miners": public_miners,
        "min_payout": _number(min_payout, "--min-payout", most=Decimal(21_000_000), decimals=8),
    }
    if all(value is None for value in changes.values()):
        raise typer.BadParameter("nothing to set: give one of the options at least")
    statement = load_sql("deploy", "sql/accounts.sql")["set_pool"].encode()
    with psycopg.connect(ready_database(load())) as connection:
        try:
            found = connection.execute(statement, {"pool": pool, **changes}).fetchall()
        except psycopg.errors.UniqueViolation:
            raise typer.BadParameter("another pool has it", param_hint="--domain") from None
    if not found:
        raise typer.BadParameter("no pool of that domain or title", param_hint="POOL")
    console().print(f"{escape(found[0][0])} is set")


def _number(text: str | None, option: str, *, most: Decimal, decimals: int) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not (value.is_finite() and 0 <= value <= most and value == round(value, decimals)):
        words = f"a number from 0 to {most} with at most {decimals} decimals is expected"
        raise typer.BadParameter(words, param_hint=option)
    return value
