"""The command `hashgauge`: every process and every tool of the service."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import typer

from deploy.commands import COMMANDS, GROUPS


class Cli(typer.Typer):
    """Ends with one clear line where something is wrong that we know of, never with a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # What the Kafka client says of a broker that is away stands in our own line.
        for library in ("aiokafka", "asyncio"):
            logging.getLogger(library).addHandler(logging.NullHandler())
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            # Here, not above: it knows the errors of every library, and `--help` needs none.
            from deploy.commands.failures import explain

            known = explain(error)
            if known is None:
                raise
            line, code = known
            sys.stderr.write(f"hashgauge: {line}\n")
            raise SystemExit(code) from None


app: Final = Cli(
    name="hashgauge",
    help="Hashrate telemetry and stats for mining pools.",
    epilog="Start with `hashgauge up`; `hashgauge settings` lists what can be set.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command, panel in COMMANDS:
    app.command(name, rich_help_panel=panel)(command)
for name, group, panel in GROUPS:
    app.add_typer(group, name=name, rich_help_panel=panel)

if __name__ == "__main__":
    app()
