"""The command line: help with an example everywhere, and one clear line for every failure."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import ModuleType
from uuid import UUID

import click
import psycopg
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from deploy.__main__ import main
from deploy.cli import app
from deploy.commands.failures import explain
from deploy.local.errors import LocalStackError
from deploy.overrides import SettingsError
from deploy.readable import console, table
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
    assert f"`{path}" in (command.help or "").replace("DATABASE_URL=postgresql://... ", "")


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
            psycopg.errors.UndefinedTable("relation leader does not exist"),
            "the database lacks its schema: run `hashgauge migrate`",
            1,
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "/a/b.csv"), "/a/b.csv: No such file", 1),
        (ConnectionRefusedError("call failed"), "no connection: call failed", 1),
        (ExceptionGroup("many", [FatalError("first")]), "first", 1),
    ],
)
def test_known_failures_are_one_line(error: Exception, line: str, code: int) -> None:
    assert explain(error) == (line, code)


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--port", "99999"),
        ("up", "--broker", "another"),
        ("kafka", "--port", "-1"),
        ("serve", "--port", "99999"),
        ("gateway", "--port", "99999"),
        ("simulate", "--encoding", "xml"),
        ("simulate", "--duration", "-1"),
        ("simulate", "--truth", "/nowhere/day.json"),
        ("simulate", "--truth", "day.xls"),
        ("simulate", "--speed", "nan"),
        ("accounts", "import", sys.executable),
        ("feed", "ckpool", str(Path(__file__).parent)),
        ("dead-letters", "list", "--limit", "-1"),
        ("report", "farm", "--from", "2026-02-02", "--to", "2026-02-01"),
        ("keys", "create", " "),
        ("keys", "create", "title", "--email", "nobody"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_refused_before_anything_is_done(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_table_in_a_pipe_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    rows = table("id", "title")
    rows.add_row(str(UUID(int=1)), "a title " * 20)
    console().print(rows)
    assert f"{UUID(int=1)}  {'a title ' * 20}".rstrip() in capsys.readouterr().out


def test_a_narrow_terminal_cuts_no_id() -> None:
    rows = table("id", "title", "user", "created", "revoked")
    rows.add_row(str(UUID(int=1)), "title", "someone@example.com", "2026-11-25 16:36Z", "")
    paper = StringIO()
    Console(width=80, file=paper).print(rows)
    assert str(UUID(int=1)) in paper.getvalue()


def test_ctrl_c_while_loading_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Loading(ModuleType):
        @property
        def app(self) -> Callable[[], None]:
            seen.append(signal.getsignal(signal.SIGINT))
            return lambda: seen.append(signal.getsignal(signal.SIGINT))

    monkeypatch.setitem(sys.modules, "deploy.cli", Loading("deploy.cli"))
    before = signal.getsignal(signal.SIGINT)
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIG_DFL, signal.default_int_handler]


def test_an_unknown_failure_keeps_its_traceback() -> None:
    assert explain(ZeroDivisionError()) is None
