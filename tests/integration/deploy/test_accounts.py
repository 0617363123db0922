"""`hashgauge accounts`, `keys` and `report` on a real database."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import orjson
import psycopg
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from deploy.cli import app

HEADER = "date_utc,account_name,worker_name,hashrate_hps,rejectrate_hps,reject_percent,availability"
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


def pools(database_url: str) -> list[tuple[str, str | None, int]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "select title, domain, (select count(*) from miners where pool_id = pools.id) "
            "from pools order by id"
        ).fetchall()


def imported(runner: CliRunner, text: str) -> None:
    done = runner.invoke(app, ["accounts", "import", "-"], input=text)
    assert done.exit_code == 0, done.output


def test_a_domain_is_given_to_the_pool_of_that_title(runner: CliRunner, database_url: str) -> None:
    imported(runner, FILE)
    imported(runner, "pool,domain,miner\nExample,Pool.Example,farm_001\n")
    assert pools(database_url) == [("Example", "Pool.Example", 2)]
    # From now on the domain is what it is known by, in any case; a new title renames it.
    imported(runner, "pool,domain,miner\nHarbor,pool.example,farm_002\n")
    assert pools(database_url) == [("Harbor", "pool.example", 2)]
    imported(runner, "pool,miner\nHarbor,farm_003\n")
    assert pools(database_url) == [("Harbor", "pool.example", 3)]


def test_another_domain_is_another_pool(runner: CliRunner, database_url: str) -> None:
    imported(runner, "pool,domain,miner\nOne,one.example,farm_001\nOne,two.example,farm_002\n")
    assert pools(database_url) == [("One", "one.example", 1), ("One", "two.example", 1)]


def test_what_a_line_does_not_name_stays(runner: CliRunner, database_url: str) -> None:
    imported(runner, "pool,operator,miner,title\nExample,North Hall,farm_001,Hall 1\n")
    imported(runner, "pool,miner,email,role\nExample,farm_001,a@example.com,viewer\n")
    imported(runner, "pool,operator,miner,title\nExample,,farm_001,\n")
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "select miners.title, operators.title from miners "
            "join operators on operators.id = operator_id"
        ).fetchall() == [("Hall 1", "North Hall")]


def test_a_pool_has_a_host_as_its_domain(runner: CliRunner) -> None:
    text = "pool,domain\nExample,https://pool.example/\n"
    done = runner.invoke(app, ["accounts", "import", "-"], input=text)
    assert done.exit_code == 2
    assert "line 2: domain: a host such as pool.example" in done.output


def test_a_file_is_as_spreadsheets_write_it(
    runner: CliRunner, database_url: str, tmp_path: Path
) -> None:
    """Semicolons or tabs, UTF-16 or a byte order mark, and names in the form that a Mac has."""
    text = "Pool;Miner;Title\nZürich;हिन्दी;Jose\u0301; Hall".replace("; H", ", H")
    path = tmp_path / "accounts.csv"
    for content in (
        text.encode("utf-8-sig"),
        text.replace(";", "\t").encode("utf-16"),
        unicodedata.normalize("NFD", text).encode(),
    ):
        path.write_bytes(content)
        done = runner.invoke(app, ["accounts", "import", str(path)])
        assert done.output == "1 pools, 0 operators, 1 miners, 0 roles\n"
        assert runner.invoke(app, ["accounts", "import", "-"], input=content).exit_code == 0
    assert pools(database_url) == [("Zürich", None, 1)]
    with psycopg.connect(database_url) as connection:
        miners = connection.execute("select account_name, title from miners").fetchall()
    assert miners == [("हिन्दी", "José, Hall")]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("FARM_001", {"farm_001"}),
        ("m_0", {"farm_001"}),
        ("%", {"rate"}),
        ("\\", {"path"}),
        ("izm\u0130r", {"smyrna"}),
        ("\u03bf\u03b4\u03bf\u03c3", {"road"}),
        ("strasse", {"street"}),
        ("x001", {"farmX001"}),
        ("nobody", set()),
    ],
)
def test_a_search_is_literal_and_that_of_the_page(
    runner: CliRunner, search: str, found: set[str]
) -> None:
    titles = {
        "farm_001": "",
        "farmX001": "",
        "rate": "5 % off",
        "path": "C:\\rigs",
        "smyrna": "\u0130zmir",
        "road": "\u039f\u0394\u039f\u03a3",
        "street": "Stra\u00dfe",
    }
    lines = "".join(f"Example,{name},{title}\n" for name, title in titles.items())
    imported(runner, f"pool,miner,title\n{lines}")
    shown = json.loads(runner.invoke(app, ["accounts", "list", search, "--json"]).output)
    assert {row["account"] for row in shown} == found


def test_a_pool_is_set_by_its_domain_or_title(runner: CliRunner, database_url: str) -> None:
    imported(runner, FILE)
    done = runner.invoke(app, ["pool", "set", "Example", "--domain", "A.example", "--fee", "0.01"])
    assert done.output == "Example is set\n"
    done = runner.invoke(app, ["pool", "set", "a.EXAMPLE", "--title", "[b]Other[/b]"])
    assert done.output == "[b]Other[/b] is set\n"
    assert pools(database_url) == [("[b]Other[/b]", "A.example", 2)]
    assert "0.01" in runner.invoke(app, ["pool", "list"]).output
    for arguments in (["nobody"], ["A.example", "--fee", "1.1"], ["A.example", "--fee", "nan"]):
        assert runner.invoke(app, ["pool", "set", *arguments]).exit_code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Example,,a b,,", "line 4: miner"),
        ("Example,,\u0301bc,,", "line 4: miner"),
        ("Example,,,a,owner", "line 4: email"),
        ("Example,Hall, one,farm_003,,", "line 4: has more fields than the header"),
        ("Example,," + "x" * 200_000, "line 4: field"),
    ],
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


def test_what_looks_like_markup_is_shown_as_it_is(runner: CliRunner) -> None:
    assert runner.invoke(app, ["keys", "create", "[/x] [red]bill[/red]"]).exit_code == 0
    done = runner.invoke(app, ["keys", "list"])
    assert done.exit_code == 0
    assert "[/x] [red]bill[/red]" in done.output


def test_lists_are_json_for_programs(runner: CliRunner) -> None:
    imported(runner, FILE)
    runner.invoke(app, ["keys", "create", "bot"])
    found = {
        name: orjson.loads(runner.invoke(app, [*command.split(), "--json"]).output)
        for name, command in {
            "accounts": "accounts list",
            "pools": "pool list",
            "keys": "keys list",
            "failed": "webhooks list-failed",
            "offsets": "offsets show",
            "status": "status",
            "settings": "settings retention",
        }.items()
    }
    assert [row["account"] for row in found["accounts"]] == ["farm_001", "farm_002"]
    pool = found["pools"][0]
    assert (pool["pool"], pool["domain"], pool["miners"]) == ("Example", None, 2)
    assert [row["title"] for row in found["keys"]] == ["bot"]
    assert (found["failed"], found["offsets"]) == ([], [])
    assert found["status"]["leader"][0]["epoch"] == 0
    assert all("RETENTION" in row["variable"] for row in found["settings"])


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
            insert into worker_1d_closed (bucket, worker_id, accepted_count, rejected_count,
                                          accepted, rejected)
            select '2026-02-01', id, 1, 0, 86400, 0 from added
        """)
        connection.execute("update leader set stream_time = '2026-02-03', watermark = '2026-02-03'")
    return runner


def test_a_report_goes_to_the_terminal_as_csv(reported: CliRunner) -> None:
    done = reported.invoke(
        app, ["report", "farm_001", "--from", "2026-02-01", "--to", "2026-02-01"]
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == HEADER
    assert lines[1] == "2026-02-01,farm_001,w1,4294967296.00,0.00,0.0,"
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


def test_a_file_for_a_spreadsheet_begins_with_a_byte_order_mark(
    reported: CliRunner, tmp_path: Path
) -> None:
    out = tmp_path / "days.csv"
    reported.invoke(app, ["report", "farm_001", "--out", str(out)])
    assert out.read_bytes().startswith(b"\xef\xbb\xbfdate_utc,")
    assert out.read_text("utf-8-sig").startswith(HEADER)


def test_days_without_a_worker_are_said_beside_the_csv(reported: CliRunner) -> None:
    done = reported.invoke(app, ["report", "farm_002"])
    assert done.stdout.splitlines() == [HEADER]
    assert done.stderr.startswith("0 rows, 2026-01-27 to 2026-02-02;")


def test_an_unknown_miner_and_too_long_a_span_are_one_line(reported: CliRunner) -> None:
    unknown = reported.invoke(app, ["report", "nobody"])
    assert "no miner nobody" in str(unknown.exception)
    years = ["report", "farm_001", "--from", "2024-02-02", "--to", "2026-02-01"]
    assert "more than 92 days" in str(reported.invoke(app, years).exception)


def test_a_miner_is_renamed_and_its_links_are_made_listed_and_revoked(
    runner: CliRunner, database_url: str
) -> None:
    imported(runner, FILE)
    done = runner.invoke(app, ["miners", "rename", "farm_001", "Farm [one]"])
    assert done.output == "farm_001 is shown as Farm [one]\n"
    assert runner.invoke(app, ["miners", "rename", "nobody", "x"]).exit_code == 2
    made = runner.invoke(app, ["watchers", "create", "farm_001", "--title", "night shift"])
    token = made.output.strip().removeprefix("#watch=")
    (link,) = orjson.loads(runner.invoke(app, ["watchers", "list", "farm_001", "--json"]).output)
    assert (link["title"], link["token"]) == ("night shift", token)
    assert runner.invoke(app, ["watchers", "revoke", "farm_001", link["id"]]).exit_code == 0
    assert orjson.loads(runner.invoke(app, ["watchers", "list", "farm_001", "--json"]).output) == []
    assert runner.invoke(app, ["watchers", "revoke", "farm_001", link["id"]]).exit_code == 2


def test_a_pool_publishes_what_somebody_has_set(runner: CliRunner, database_url: str) -> None:
    imported(runner, FILE)
    done = runner.invoke(app, ["pool", "set", "Example", "--fee", "0.015", "--public-page"])
    assert done.exit_code == 0, done.output
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "select fee_published, min_payout_published, public_page, public_miners from pools"
        ).fetchone()
    assert found == (True, False, True, False)
