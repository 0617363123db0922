"""What people read at a terminal, or programs as JSON: tables, spans, hashrates, our own name."""

from __future__ import annotations

import getpass
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas.addresses.email import normalized

# Into a pipe a table goes as wide as it is: a cut id is of no use to the next program.
_PIPE_WIDTH: Final = 400

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table, for programs.")]


def finite(value: float | None) -> float | None:
    """A callback of options: `nan` and `inf` are numbers to Python, and pass every bound."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no length of time")
    return value


def address(text: str, *, param_hint: str) -> str:
    """An e-mail address as it is stored."""
    try:
        return normalized(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=param_hint) from None


def day_of(text: str, *, param_hint: str) -> date:
    """A UTC day."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        words = f"{text!r} is no day such as 2026-11-27"
        raise typer.BadParameter(words, param_hint=param_hint) from None


def person() -> str:
    """Who types, as the books keep it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return "unknown"


def console() -> Console:
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, width=width)


def table(*columns: str, title: str | None = None) -> Table:
    """Without lines; where it is too narrow a cell goes on below, nothing is cut off."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        # 36 characters of an id are copied in one piece.
        narrowest = 36 if column == "id" else None
        made.add_column(column, overflow="fold", min_width=narrowest)
    return made


def show_rows(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    as_json: bool,
) -> None:
    """A table, or a JSON array with an object for each row: the columns are its names, with `_` in
    place of spaces.

    Cells are shown as they are: nothing that a stranger wrote is markup.
    """
    if as_json:
        names = [column.replace(" ", "_") for column in columns]
        show_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = table(*columns)
    for row in rows:
        shown.add_row(*(escape(_cell(value)) for value in row))
    console().print(shown)


def show_json(value: Any) -> None:
    """For the next program: ids and times as strings, numbers as numbers."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)
    sys.stdout.write(text.decode() + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    # A terminal obeys C1 controls, too, and direction marks turn the rest of a line around.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def span(value: timedelta) -> str:
    """To the second; whole days without their hours.

    >>> span(timedelta(days=3))
    '3 days'
    """
    return str(timedelta(seconds=round(value.total_seconds()))).removesuffix(", 0:00:00")


def hashrate(value_hps: float) -> str:
    """Three or four digits and a unit.

    >>> hashrate(90_697_492_495_655.83)
    '90.70 TH/s'
    """
    for unit in ("", "k", "M", "G", "T", "P", "E"):
        if value_hps < 1_000:
            return f"{value_hps:.2f} {unit}H/s"
        value_hps /= 1_000
    return f"{value_hps:.2f} ZH/s"


def counts(reasons: Mapping[str, int]) -> str:
    """
    >>> counts({"too_late": 3, "bad_difficulty": 1})
    '3 too_late, 1 bad_difficulty'
    """
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def program() -> str:
    """This command as it was called: in a source tree it is not on the PATH."""
    called = Path(sys.argv[0])
    return sys.argv[0] if called.name == "hashgauge" else "hashgauge"
