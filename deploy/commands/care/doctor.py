"""`hashgauge doctor`: look at everything the service needs, and say what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from deploy.local.running import load
from deploy.settings.addresses import bootstrap_servers, database_url
from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings

if TYPE_CHECKING:
    from deploy.checks.doctor import Finding

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything the service depends on, and say what to do where a check fails.

    Exits with code 1 if a check fails, with 0 if there are only warnings.

    Example: `hashgauge doctor`
    """
    found = list(findings(load()))
    if as_json:
        _print_json(found)
    else:
        console = Console(highlight=False)
        for each in found:
            colour = _COLOURS[each.level]
            text = f"[{colour}]{each.level:<5}[/{colour}] {each.what}: {escape(each.found)}"
            console.print(text, soft_wrap=True)
            if each.advice:
                console.print(f"      → {escape(each.advice)}", soft_wrap=True)
    if any(each.level == "fail" for each in found):
        raise typer.Exit(1)


def findings(settings: Settings) -> Iterator[Finding]:
    """What stands at the addresses of `settings`, in the order a person would ask."""
    from deploy.checks.broker import check_broker
    from deploy.checks.doctor import (
        Level,
        check_access,
        check_database,
        check_ledger,
        check_proxies,
        check_secrets,
        fail,
    )

    yield check_access(settings)
    yield check_secrets(settings)
    # uvicorn's own variable, and its default.
    yield check_proxies(os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"))
    database_is_there, has_sessions = True, True
    try:
        url = database_url(settings)
    except SettingsError as error:
        yield fail("database", "none is named", str(error))
        database_is_there = False
    else:
        for each in check_database(settings):
            if each.level is Level.FAIL and each.what in ("database", "schema"):
                database_is_there = False
            if each.what == "pooler":
                has_sessions = False
            yield each
        if database_is_there and has_sessions:
            yield asyncio.run(check_ledger(url))
    try:
        servers = bootstrap_servers(settings)
    except SettingsError as error:
        yield fail("broker", "none is named", str(error))
        return
    yield from asyncio.run(check_broker(settings, servers, has_database=database_is_there))


def _print_json(found: list[Finding]) -> None:
    import dataclasses

    import orjson

    rows = [dataclasses.asdict(each) for each in found]
    typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
