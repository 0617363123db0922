"""`hashgauge accounts`, `keys` and `report` on a real database."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from deploy.cli import app

FILE = """pool,operator,miner,email,role
Example,North Hall,farm_001,owner@example.com,owner
Example,,farm_002,,
"""


@pytest.fixture
def runner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", database_url)
    return CliRunner()


def test_accounts_are_imported_again_and_again(runner: CliRunner, database_url: str) -> None:
    for _ in range(2):
        done = runner.invoke(app, ["accounts", "import", "-"], input=FILE)
        assert done.output == "1 pools, 1 operators, 2 miners, 1 roles\n"
    with psycopg.connect(database_url) as connection:
        counted = connection.execute("select count(*), count(operator_id) from miners").fetchone()
    assert counted == (2, 1)
    assert "farm_001" in runner.invoke(app, ["accounts", "list", "001"]).output
    assert "farm_001" not in runner.invoke(app, ["accounts", "list", "002"]).output


@pytest.mark.parametrize(
    ("line", "words"), [("Example,,a b,,", "line 4: miner"), ("Example,,,a,owner", "line 4: email")]
)
def test_a_bad_line_is_named_and_nothing_is_taken(
    runner: CliRunner, database_url: str, line: str, words: str
) -> None:
    done = runner.invoke(app, ["accounts", "import", "-"], input=f"{FILE}{line}\n")
    assert done.exit_code == 2
    assert words in done.output
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from miners").fetchone() == (0,)


def test_a_key_of_a_user_is_listed_with_the_user(runner: CliRunner) -> None:
    assert runner.invoke(app, ["keys", "create", "bot", "--email", "a@example.com"]).exit_code == 0
    listed = runner.invoke(app, ["keys", "list"]).output
    assert "a@example.com" in listed


@pytest.fixture
def reported(runner: CliRunner, database_url: str) -> CliRunner:
    """Two workers with work on one complete day."""
    runner.invoke(app, ["accounts", "import", "-"], input=FILE)
    with psycopg.connect(database_url) as connection:
        connection.execute("""
            with added as (
                insert into workers (miner_id, name, created_at)
                select id, name, '2026-01-01' from miners, unnest(array['w1', 'w2']) name
                where account_name = 'farm_001' returning id
            )
            insert into worker_1d (bucket, worker_id, accepted_count, rejected_count, accepted,
                                   rejected)
            select '2026-02-01', id, 1, 0, 86400, 0 from added
        """)
        connection.execute(
            "update leader set stream_time = '2026-02-03', complete_to = '2026-02-03'"
        )
    return runner


def test_a_report_goes_to_the_terminal_as_csv(reported: CliRunner) -> None:
    done = reported.invoke(
        app, ["report", "farm_001", "--from", "2026-02-01", "--to", "2026-02-01"]
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "date,account_name,worker_name,hashrate,rejectrate,availability"
    assert lines[1] == "2026-02-01,farm_001,w1,4294967296.00,0.00,"
    assert len(lines) == 3


def test_a_report_goes_to_parquet_as_numbers(reported: CliRunner, tmp_path: Path) -> None:
    out = tmp_path / "days.parquet"
    done = reported.invoke(app, ["report", "farm_001", "--out", str(out)])
    assert done.exit_code == 0, done.output
    table = pq.read_table(out).to_pylist()
    worked = [row for row in table if row["hashrate"] > 0]
    assert [(row["worker_name"], row["hashrate"]) for row in worked] == [
        ("w1", 2.0**32),
        ("w2", 2.0**32),
    ]


def test_days_without_a_worker_are_said_beside_the_csv(reported: CliRunner) -> None:
    done = reported.invoke(app, ["report", "farm_002"])
    assert done.stdout.splitlines() == [
        "date,account_name,worker_name,hashrate,rejectrate,availability"
    ]
    assert done.stderr.startswith("0 rows, 2026-01-27 to 2026-02-02;")


def test_an_unknown_miner_and_too_long_a_span_are_one_line(reported: CliRunner) -> None:
    unknown = reported.invoke(app, ["report", "nobody"])
    assert "no miner nobody" in str(unknown.exception)
    years = ["report", "farm_001", "--from", "2024-02-02", "--to", "2026-02-01"]
    assert "more than 92 days" in str(reported.invoke(app, years).exception)
