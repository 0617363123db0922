"""`hashgauge settings`: every setting with its default and reason."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from deploy.commands.formatting import AsJson, show_json
from deploy.settings.overrides import Setting, as_text
from deploy.settings.sections import is_tuning
from deploy.settings.settings import all_settings


def settings(
    search: Annotated[str, typer.Argument(help="Only settings that mention this word.")] = "",
    tuning: Annotated[
        bool, typer.Option("--tuning", help="Also those that are measured and seldom touched.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the settings with their environment variable, default, choices and reason.

    A search looks at tuning, too.

    Example: `hashgauge settings retention`
    """
    found = [
        setting
        for setting in all_settings()
        if _mentions(setting, search) and (tuning or search or not is_tuning(setting.variable))
    ]
    if as_json:
        show_json([_plain(setting) for setting in found])
        raise typer.Exit(0 if found else 1)
    console = Console(highlight=False)
    if not found:
        console.print(f"no setting mentions {escape(search)!r}; `hashgauge settings` lists them")
        raise typer.Exit(1)
    for setting in found:
        default = escape(as_text(setting.default))
        console.print(f"[bold]{setting.variable}[/bold]={default}", soft_wrap=True)
        takes = f"[dim]({escape(setting.takes)})[/dim]"
        console.print(Padding(f"{escape(setting.reason)} {takes}", (0, 4)))
    if not (search or tuning):
        console.print("`--tuning` shows the others: measured values that are seldom touched.")


def _mentions(setting: Setting, search: str) -> bool:
    text = f"{setting.variable} {setting.takes} {as_text(setting.default)} {setting.reason}"
    return search.lower() in text.lower()


def _plain(setting: Setting) -> dict[str, object]:
    return {
        "variable": setting.variable,
        "takes": setting.takes,
        "default": as_text(setting.default),
        "reason": setting.reason,
        "tuning": is_tuning(setting.variable),
    }
