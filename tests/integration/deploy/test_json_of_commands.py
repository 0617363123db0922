"""`--json` of the commands that read the database: one document each, in one shape."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from deploy.cli import app

pytestmark = pytest.mark.postgres

LISTS = {
    "offsets show": {"cluster_id", "topic", "partition", "next_offset", "owner", "current"},
    "keys list": {"id", "title", "user", "created", "revoked"},
    "accounts list": {"account", "pool", "status", "workers"},
    "pool list": {"pool", "fee", "minimum_payout", "takes_unknown_accounts", "public_page"},
    "watchers list farm": {"id", "title", "made", "token"},
    "webhooks list-failed": {"webhook", "url", "event", "attempts", "last_error", "given_up"},
    "mail list-failed": {"mail", "kind", "to", "attempts", "last_error", "given_up"},
}
FILL = """
insert into pools (title) values ('north');
insert into miners (account_name, pool_id) select 'farm', id from pools;
insert into intake_stream (cluster_id, topic, clock) values ('c', 'shares', 'wall');
insert into intake_partitions (cluster_id, topic, partition, next_offset)
values ('c', 'shares', 0, 4711);
"""


def run(*words: str) -> str:
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    return shown.stdout


@pytest.fixture
def filled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(FILL.encode())
    monkeypatch.setenv("DATABASE_URL", database_url)
    run("keys", "create", "billing")
    run("watchers", "create", "farm", "--title", "night shift")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("words", "names"), LISTS.items(), ids=LISTS)
def test_a_list_is_an_array_of_objects(words: str, names: set[str]) -> None:
    rows: list[dict[str, Any]] = json.loads(run(*words.split(), "--json"))
    assert isinstance(rows, list)
    if "failed" in words:
        assert rows == []
        return
    assert len(rows) == 1
    assert names <= set(rows[0])
    assert all(" " not in name for name in rows[0])


@pytest.mark.usefixtures("filled")
def test_status_is_an_object_of_arrays() -> None:
    shown = json.loads(run("status", "--json"))
    assert {"leader", "waiting", "partitions", "workers", "pools"} <= set(shown)
    assert all(isinstance(rows, list) for rows in shown.values())
    assert [row["next_offset"] for row in shown["partitions"]] == [4711]


@pytest.mark.usefixtures("filled")
def test_a_pool_is_set_and_a_miner_renamed(database_url: str) -> None:
    def published() -> list[Any]:
        with psycopg.connect(database_url) as connection:
            found = connection.execute("select fee_published, min_payout_published from pools")
            return found.fetchall()

    assert published() == [(False, False)]
    run("pool", "set", "north", "--fee", "0.0125", "--domain", "pool.example")
    assert published() == [(True, False)]
    run("pool", "set", "POOL.example", "--min-payout", "0.00050001", "--title", "South")
    after = json.loads(run("pool", "list", "--json"))[0]
    assert published() == [(True, True)]
    assert (after["pool"], after["fee"]) == ("South", "0.0125")
    assert after["minimum_payout"] == "0.00050001"
    assert "North Hall" in run("miners", "rename", "farm", "North Hall")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "words",
    [
        ("pool", "set", "south", "--fee", "0.01"),
        ("miners", "rename", "nobody", "Title"),
        ("watchers", "list", "nobody"),
        ("keys", "revoke", "00000000-0000-4000-8000-000000000000"),
        ("webhooks", "rotate", "00000000-0000-4000-8000-000000000000"),
    ],
    ids=" ".join,
)
def test_what_does_not_exist_is_a_wrong_argument(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2
