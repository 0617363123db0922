"""`hashgauge doctor`: look at everything the service needs, and say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from deploy.addresses import bootstrap_servers, database_url
from deploy.overrides import SettingsError
from deploy.settings import Settings, load

if TYPE_CHECKING:
    from deploy.doctor import Finding

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
            told = f"[{colour}]{each.level:<5}[/{colour}] {each.what}: {escape(each.found)}"
            console.print(told, soft_wrap=True)
            if each.advice:
                console.print(f"      → {escape(each.advice)}", soft_wrap=True)
    if any(each.level == "fail" for each in found):
        raise typer.Exit(1)


def findings(settings: Settings) -> Iterator[Finding]:
    """What stands at the addresses of `settings`, in the order a person would ask."""
    from deploy.doctor import Level, check_access, check_database, fail
    from deploy.doctor_broker import check_broker

    yield check_access(settings)
    url: str | None = None
    try:
        url = database_url(settings)
    except SettingsError as error:
        yield fail("database", "none is named", str(error))
    else:
        for each in check_database(settings, url):
            if each.level is Level.FAIL and each.what in ("database", "schema"):
                url = None
            yield each
    try:
        servers = bootstrap_servers(settings)
    except SettingsError as error:
        yield fail("broker", "none is named", str(error))
        return
    yield from asyncio.run(check_broker(settings, servers, url))


def _print_json(found: list[Finding]) -> None:
    import dataclasses

    import orjson

    rows = [dataclasses.asdict(each) for each in found]
    typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
