"""`hashgauge accounts` on a real database."""

from __future__ import annotations

import psycopg
import pytest
from typer.testing import CliRunner

from deploy.cli import app


@pytest.fixture
def runner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into pools (title) values ('north')")
    return CliRunner()


def test_an_account_is_added_once_and_listed(runner: CliRunner) -> None:
    assert runner.invoke(app, ["accounts", "add", "farm_001"]).exit_code == 0
    assert "farm_001" in runner.invoke(app, ["accounts", "list", "arm"]).output
    assert "farm_001" not in runner.invoke(app, ["accounts", "list", "other"]).output
    again = runner.invoke(app, ["accounts", "add", "farm_001"])
    assert again.exit_code == 2
    assert "there already" in again.output


def test_a_bad_name_and_an_unclear_pool_are_refused(runner: CliRunner, database_url: str) -> None:
    assert runner.invoke(app, ["accounts", "add", "a b"]).exit_code == 2
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into pools (title) values ('south')")
    unclear = runner.invoke(app, ["accounts", "add", "farm_002"])
    assert unclear.exit_code == 2
    assert "north, south" in unclear.output
    assert runner.invoke(app, ["accounts", "add", "farm_002", "--pool", "south"]).exit_code == 0
