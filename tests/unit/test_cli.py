"""The command line: help with an example everywhere, and one clear line for every failure."""

from __future__ import annotations

import errno

import click
import psycopg
import pytest
import typer

from deploy.cli import app
from deploy.commands.failures import explain
from deploy.local.errors import LocalStackError
from deploy.overrides import SettingsError
from ingest.errors import FatalError


def _commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []

    def walk(path: str, command: click.Command) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append((path, command))
            return
        for name, each in inner.items():
            walk(f"{path} {name}", each)

    walk("hashgauge", typer.main.get_command(app))
    return found


@pytest.mark.parametrize(("path", "command"), _commands(), ids=lambda value: str(value))
def test_every_command_has_an_example(path: str, command: click.Command) -> None:
    assert f"[b]{path}" in (command.help or "").replace("DATABASE_URL=postgresql://... ", "")


def test_the_promised_commands_are_there() -> None:
    promised = {"migrate", "aggregate", "serve", "simulate", "feed ckpool", "up", "status"}
    assert promised <= {path.removeprefix("hashgauge ") for path, _ in _commands()}


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (SettingsError("X is no setting"), "X is no setting", 2),
        (LocalStackError("port taken\nmore"), "port taken", 1),
        (FatalError("the log was cut"), "the log was cut", 1),
        (
            psycopg.OperationalError("no way to postgresql://a:b@c/d"),
            "the database: no way to postgresql://a:***@c/d",
            1,
        ),
        (
            OSError(errno.EADDRINUSE, "port 1 is taken"),
            "port 1 is taken: choose another port",
            1,
        ),
        (ExceptionGroup("many", [FatalError("first")]), "first", 1),
    ],
)
def test_known_failures_are_one_line(error: Exception, line: str, code: int) -> None:
    assert explain(error) == (line, code)


def test_an_unknown_failure_keeps_its_traceback() -> None:
    assert explain(ZeroDivisionError()) is None
