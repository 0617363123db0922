"""A real PgBouncer in transaction mode: the API works through it, others say what they need."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.failures import explain
from deploy.settings.database_address import asyncpg_address
from query_api.config import ApiConfig
from schemas.session import PINNED
from tests.fixtures.pgbouncer import pgbouncer
from tests.integration.api.client import BASE, api_client, api_config, connected, with_database
from tests.integration.api.data import Tree, seed_minutes, seed_tree
from tests.integration.api.route_table import ROUTES

# Startup parameters that it swallows: none, or all that we send. Others it refuses.
ALL = ", ".join(("options", "jit", *PINNED))


@pytest.fixture(params=["", ALL], ids=["refuses", "swallows"])
def pooled_url(database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    with pgbouncer(database_url, ignored=request.param) as url:
        yield url


async def seeded(database_url: str) -> Tree:
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1, every_minutes=30)
        return tree


def patient(url: str) -> ApiConfig:
    """Everything is asked at once, of three sessions, on a machine that may be busy."""
    return with_database(
        api_config(asyncpg_address(url)),
        acquire_timeout_s=60.0,
        connect_timeout_s=60.0,
        statement_timeout_s=60.0,
    )


def make_odd(database_url: str) -> None:
    """A database whose sessions answer otherwise, unless they say what they rely on."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for name, value in (
            ("timezone", "Asia/Tokyo"),
            ("search_path", "pg_catalog"),
            ("default_transaction_read_only", "on"),
            ("datestyle", "German"),
        ):
            statement = sql.SQL("alter database {} set {} to {}").format(
                sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(value)
            )
            connection.execute(statement)


async def test_every_answer_is_that_without_it(database_url: str, pooled_url: str) -> None:
    tree = await seeded(database_url)
    names = {name: getattr(tree, name).uid for name in ("pool", "operator", "alpha", "beta")}
    names |= {"rig": tree.alpha_workers[0].uid, "gift": tree.boundary.uid}
    paths = [
        BASE + route.path.format(**names)
        for name, route in ROUTES.items()
        if route.method == "GET"
        and "{" not in route.path.format_map(Blank(names))
        and name not in RANDOM
    ]
    assert len(paths) > 30
    async with api_client(patient(database_url)) as client:
        direct = [await client.get(path) for path in paths]
    make_odd(database_url)
    async with api_client(patient(pooled_url)) as client:
        # At once, so that statements meet on every session that PgBouncer has.
        for _ in range(2):
            pooled = await asyncio.gather(*(client.get(path) for path in paths))
            for path, before, after in zip(paths, direct, pooled, strict=True):
                assert (after.status_code, after.content) == (before.status_code, before.content), (
                    path
                )
        assert (await client.get("/readyz")).status_code == 200


async def test_what_is_changed_through_it_is_changed(database_url: str, pooled_url: str) -> None:
    tree = await seeded(database_url)
    make_odd(database_url)
    worker = tree.alpha_workers[0]
    async with api_client(patient(pooled_url)) as client:
        assert (await client.delete(f"{BASE}/workers/{worker.uid}")).status_code == 204
    with psycopg.connect(database_url, options="-c search_path=public") as connection:
        row = connection.execute(
            "select count(*) from worker_removals where worker_id = %s", (worker.id,)
        ).fetchone()
    assert row == (1,)


def test_the_doctor_says_who_may_use_it(
    database_url: str, pooled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_odd(database_url)
    monkeypatch.setenv("DATABASE_URL", pooled_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.stdout, result.exception
    found = {row["what"]: row for row in orjson.loads(result.stdout)}
    assert found["pooler"]["level"] == "warn"
    assert "server's own address" in found["pooler"]["advice"]
    assert found["schema"]["level"] == found["rights"]["level"] == "ok"


def test_who_needs_a_session_refuses_it(pooled_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", pooled_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for command in (["aggregate"], ["notify"], ["migrate"], ["status"], ["offsets", "show"]):
        result = CliRunner().invoke(app, command)
        assert result.exception is not None
        text = explain(result.exception)
        assert text is not None
        assert "connection pooler" in text[0], command


class Blank(dict[str, object]):
    """Leaves unknown names in braces."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


RANDOM = frozenset({"random_worker_name"})
