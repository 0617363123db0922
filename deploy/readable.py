"""What people read at a terminal: spans, hashrates, tables, the name of this command."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

# Into a pipe a table goes as wide as it is: a cut id is of no use to the next program.
_PIPE_WIDTH: Final = 400


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


def program() -> str:
    """This command as it was called: in a source tree it is not on the PATH."""
    called = Path(sys.argv[0])
    return sys.argv[0] if called.name == "hashgauge" else "hashgauge"
