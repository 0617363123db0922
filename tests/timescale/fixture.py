"""Databases with TimescaleDB: an empty one, and a migrated one.

`tests/conftest.py` hands the fixtures on:

    from tests.timescale.fixture import empty_timescale_url, timescale_server, timescale_url, ...

Each test finds the database without any table of another test. On a server at TIMESCALE_URL (whose
user may create databases) each test has one of its own. In WebAssembly there is one session for all
clients (see `server.mjs`): don't hold two transactions open at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from deploy.database.migrate import migrate
from deploy.database.roles import ROLES, make_roles
from tests.timescale.server import TimescaleServer

_RESET = Path(__file__).with_name("reset.sql").read_text("utf-8")
_numbers = count(1)


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[str]:
    """URL of the server: that of TIMESCALE_URL, or one in WebAssembly."""
    if given := os.environ.get("TIMESCALE_URL"):
        yield given
        return
    server = TimescaleServer()
    yield server.url
    server.stop()


@pytest.fixture
def empty_timescale_url(timescale_server: str) -> Iterator[str]:
    """A database that holds TimescaleDB and nothing else."""
    if "TIMESCALE_URL" in os.environ:
        yield from _own_database(timescale_server)
    else:
        _reset(timescale_server)
        yield timescale_server


@pytest.fixture
def another_timescale_url(timescale_server: str) -> Iterator[str]:
    """A second database beside that of the test, empty but for TimescaleDB."""
    if "TIMESCALE_URL" in os.environ:
        yield from _own_database(timescale_server)
    else:
        server = TimescaleServer()
        yield server.url
        server.stop()


@pytest.fixture
def timescale_url(empty_timescale_url: str) -> str:
    """A migrated database without rows, with the roles of the runbook."""
    make_roles(empty_timescale_url, dict.fromkeys(ROLES, "test"))
    migrate(empty_timescale_url)
    return empty_timescale_url


def _reset(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("reset all")
        connection.execute("discard temp")
        # What `hashgauge migrate` sets for later sessions of the database; there are none here.
        connection.execute("set timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        connection.execute(_RESET)


def _own_database(server: str) -> Iterator[str]:
    name = f"hashgauge_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = make_conninfo(server, dbname=name)
        with psycopg.connect(url, autocommit=True) as inside:
            inside.execute("create extension if not exists timescaledb")
        yield url
        # Its background workers hold connections of their own.
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
