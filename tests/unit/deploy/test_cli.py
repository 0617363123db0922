"""The command line: help with an example everywhere, and one clear line for every failure."""

from __future__ import annotations

import errno
import json
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
from deploy.commands.formatting import console, show_rows, table
from deploy.local.errors import LocalStackError
from deploy.settings.overrides import SettingsError
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


def test_the_version_needs_no_command() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert shown.output.startswith("hashgauge 0.")


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
        ("dead-letters", "list", "--hours", "nan"),
        ("dead-letters", "replay", "--hours", "inf"),
        ("simulate", "--duration", "nan"),
        ("simulate", "--backfill", "inf"),
        ("webhooks", "rotate", str(UUID(int=1)), "--overlap-hours", "inf"),
        ("pool", "set", "north"),
        ("pool", "set", "north", "--title", ""),
        ("pool", "set", "north", "--domain", "https://north.example/"),
        ("pool", "set", "north", "--fee", "9e-7"),
        ("pool", "set", "north", "--min-payout", "-0.1"),
        ("watchers", "create", "farm", "--title", "two\nlines"),
        ("watchers", "revoke", "farm", "no-id"),
        ("miners", "rename", "farm", ""),
        ("accounts", "list", "--limit", "0"),
        ("offsets", "reset", "--where", "17"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_refused_before_anything_is_done(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("nonsense", "hashgauge"),
        ("pool nonsense", "hashgauge pool"),
        ("status --nonsense", "hashgauge status"),
        ("status surplus", "hashgauge status"),
        ("keys revoke no-id", "hashgauge keys revoke"),
        ("payouts psbt import", "hashgauge payouts psbt import"),
        ("dead-letters list --reason odd", "hashgauge dead-letters list"),
        ("rebuild --from yesterday --to today", "hashgauge rebuild"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_command(
    words: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        app(words.split(), prog_name="hashgauge")
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{path}: ")
    assert shown.err.count("\n") == 1
    assert f"`{path} --help`" in shown.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_HASHGAUGE_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "hashgauge dead-letters re")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "hashgauge dead-letters re")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    with pytest.raises(SystemExit) as ended:
        app([], prog_name="hashgauge")
    assert ended.value.code == 0
    assert "replay" in capsys.readouterr().out


def test_json_has_names_without_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("given up", "id"), [(None, UUID(int=1))], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"given_up": None, "id": str(UUID(int=1))}]


@pytest.mark.parametrize(("search", "code"), [("retention", 0), ("zzzz", 1)])
def test_settings_as_json_end_like_the_table(search: str, code: int) -> None:
    shown = CliRunner().invoke(app, ["settings", search, "--json"])
    assert shown.exit_code == code
    assert bool(json.loads(shown.output)) == (code == 0)


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
