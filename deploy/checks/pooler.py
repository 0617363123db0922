"""PgBouncer and its like: who stands between a process and the database, and who may.

A pooler in transaction mode hands each transaction to another server session. `serve` notices and
works through it (`query_api/pooled_sessions.py`). Whatever writes needs sessions of its own: the
leader's temporary tables and settings, an advisory lock of `migrate`, prepared statements, and the
settings that every session starts with, which poolers drop or refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from deploy.settings.addresses import database_url, server_url
from deploy.settings.settings import Settings
from schemas.session import PINNED

ADVICE: Final = (
    "`hashgauge serve` works through it; give every other process and command the server's own "
    "address as DATABASE_URL (`aggregate` keeps 15 connections, whatever the number of workers)"
)


def turned_away(error: psycopg.OperationalError) -> bool:
    """Whether a pooler refused the settings that our sessions start with."""
    return "startup parameter" in str(error)


def stands_before(connection: Connection[Any]) -> bool:
    """Whether the process that answers is not the one that took the connection: a pooler makes up
    an id of its own for each of its clients."""
    row = connection.execute("select pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid


@contextmanager
def reading(settings: Settings, *, application_name: str) -> Iterator[tuple[Connection[Any], bool]]:
    """A connection to look at the database with, and whether it leads through a pooler. Through one
    it is a single transaction that says its own settings. psycopg.OperationalError if the database
    is away."""
    try:
        with psycopg.connect(
            database_url(settings),
            autocommit=True,
            connect_timeout=5,
            application_name=application_name,
        ) as connection:
            if not stands_before(connection):
                yield connection, False
                return
    except psycopg.OperationalError as error:
        if not turned_away(error):
            raise
    with psycopg.connect(
        server_url(settings),
        prepare_threshold=None,
        connect_timeout=5,
        application_name=application_name,
    ) as connection:
        for name, value in PINNED.items():
            if not name.startswith("tcp_"):  # the server's socket is the pooler's
                text = sql.SQL("set local {} = {}")
                connection.execute(text.format(sql.Identifier(name), sql.Literal(value)))
        yield connection, True
