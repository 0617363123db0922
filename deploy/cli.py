"""The command `hashgauge`: every process and every tool of the service."""

from __future__ import annotations

import logging
import sys
from importlib import metadata
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

from deploy.commands import COMMANDS, GROUPS


class Cli(typer.Typer):
    """Ends with one clear line where something is wrong that we know of, never with a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # What the Kafka client says of a broker that is away stands in our own line.
        for library in ("aiokafka", "asyncio"):
            logging.getLogger(library).addHandler(logging.NullHandler())
        try:
            code = super().__call__(*args, standalone_mode=False, **kwargs)
        except TyperException as error:
            raise SystemExit(_refuse(error)) from None
        except typer.Abort:
            sys.stderr.write("hashgauge: stopped; nothing was done\n")
            raise SystemExit(1) from None
        except Exception as error:
            # Here, not above: it knows the errors of every library, and `--help` needs none.
            from deploy.commands.failures import explain

            known = explain(error)
            if known is None:
                raise
            line, code = known
            sys.stderr.write(f"hashgauge: {line}\n")
            raise SystemExit(code) from None
        # `typer.Exit` comes back as its code.
        raise SystemExit(code if isinstance(code, int) else 0)


def _refuse(error: TyperException) -> int:
    """Says in one line what is wrong with the arguments; answers the exit code."""
    line = " ".join(error.format_message().split()).removesuffix(".")
    # Without any argument the help itself is shown, and nothing is left to say.
    if line:
        context = getattr(error, "ctx", None)
        path = "hashgauge" if context is None else context.command_path
        sys.stderr.write(f"{path}: {line} (`{path} --help` shows how)\n")
    return error.exit_code


app: Final = Cli(
    name="hashgauge",
    epilog="Start with `hashgauge up`; `hashgauge settings` lists what can be set.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    """As the option is read: without a command typer would ask for one."""
    if wanted:
        typer.echo(f"hashgauge {metadata.version('hashgauge')}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def hashgauge(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Hashrate telemetry, stats and money for mining pools."""


for name, command, panel in COMMANDS:
    app.command(name, rich_help_panel=panel)(command)
for name, group, panel in GROUPS:
    app.add_typer(group, name=name, rich_help_panel=panel)

if __name__ == "__main__":
    app()
