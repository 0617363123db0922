"""Brings a database to the newest schema: plain SQL files, applied in order, each once.

`migrations/NNNN_name.sql` serves both kinds of database, `NNNN_name.plain.sql` and
`NNNN_name.timescale.sql` one each. A file is one transaction together with its row in
`schema_migrations`, so an interrupted one leaves nothing. A file that starts with
`-- hashgauge: statement by statement` holds statements that no transaction may hold (continuous
aggregates); each of them can run again, so an interrupted file is run again from its start. Applied
files never change: their checksums are compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import Connection

from aggregator.figures.rollups.database_kind import PROBE_SQL, DatabaseKind, probed
from aggregator.figures.rollups.retention import Policies
from deploy.database.roles import apply_grants
from deploy.database.statements import statements
from deploy.database.storage_policies import apply_policies

MIGRATIONS: Final[Traversable] = files("deploy").joinpath("migrations")
_FILE: Final = re.compile(r"(\d{4})_(\w+?)(?:\.(plain|timescale))?\.sql")
_BY_STATEMENT: Final = "-- hashgauge: statement by statement"
# Any number that no other program takes; two runs at once would both create the same tables.
_LOCK: Final = 0x4841_5348
_TABLE: Final = """
create table if not exists schema_migrations (
    version int4 primary key,
    name text not null,
    checksum text not null,
    database_kind text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationError(Exception):
    """The database cannot be migrated as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `checksum` is the sha256 of its text."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def by_statement(self) -> bool:
        return self.text.startswith(_BY_STATEMENT)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found and did."""

    database_kind: DatabaseKind
    version: int
    applied: tuple[str, ...]
    policies: tuple[str, ...]
    notes: tuple[str, ...]


def migrate(
    database_url: str,
    policies: Policies | None = None,
    *,
    wait_s: int = 60,
    to: int | None = None,
    folder: Traversable = MIGRATIONS,
) -> Report:
    """Apply what is missing, then the policies (TimescaleDB only) and the rights of the roles.

    Waits up to `wait_s` for another run to end. `to` stops at that version, policies left alone.
    MigrationError for what a person has to settle, psycopg.Error for what the database refuses.
    """
    with (
        psycopg.connect(
            database_url, autocommit=True, application_name="hashgauge migrate"
        ) as connection,
        _locked(connection, wait_s),
    ):
        connection.execute(_TABLE)
        database_kind, notes = _database_kind(connection)
        todo = [
            step
            for step in _pending(connection, available(database_kind, folder))
            if to is None or step.version <= to
        ]
        for step in todo:
            _apply(connection, step, database_kind)
        changed: Sequence[str] = ()
        if database_kind is DatabaseKind.TIMESCALE and to is None:
            changed = apply_policies(connection, policies or Policies())
        rights = apply_grants(connection, database_kind) if to is None else ()
        return Report(
            database_kind,
            current_version(connection),
            tuple(f"{step.version:04} {step.name}" for step in todo),
            (*changed, *rights),
            notes,
        )


def expected_version() -> int:
    """The version that this program's files lead to."""
    return max(step.version for step in available(DatabaseKind.PLAIN))


def current_version(connection: Connection[Any]) -> int:
    """The newest version applied; 0 for a database that was never migrated."""
    if _one(connection, "select to_regclass('schema_migrations') is null")[0]:
        return 0
    return int(_one(connection, "select coalesce(max(version), 0) from schema_migrations")[0])


def is_current(connection: Connection[Any]) -> bool:
    """Whether the schema is at least what this program needs (newer: an upgrade under way)."""
    return current_version(connection) >= expected_version()


def pending(database_url: str) -> tuple[str, ...]:
    """What a run would apply; changes nothing."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        database_kind, _ = _database_kind(connection)
        return tuple(
            f"{step.version:04} {step.name}"
            for step in _pending(connection, available(database_kind))
        )


def available(database_kind: DatabaseKind, folder: Traversable = MIGRATIONS) -> list[Migration]:
    """Its files, ascending. ValueError for a strange name, or a version twice."""
    steps: dict[int, Migration] = {}
    for entry in folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(entry.name)
        if match is None:
            message = f"{entry.name} is not called NNNN_name.sql"
            raise ValueError(message)
        version, name, only = int(match[1]), match[2], match[3]
        if only not in (None, database_kind):
            continue
        if version in steps:
            message = f"two migrations {version:04} for {database_kind}"
            raise ValueError(message)
        steps[version] = Migration(version, name, entry.read_text("utf-8"))
    return [steps[version] for version in sorted(steps)]


def _pending(connection: Connection[Any], steps: Sequence[Migration]) -> list[Migration]:
    applied = _applied(connection)
    for step in steps:
        if applied.get(step.version, step.checksum) != step.checksum:
            message = (
                f"migration {step.version:04} {step.name} was changed after it was applied; "
                "restore the file and put the change into a new migration"
            )
            raise MigrationError(message)
    return [step for step in steps if step.version not in applied]


def _applied(connection: Connection[Any]) -> Mapping[int, str]:
    if _one(connection, "select to_regclass('schema_migrations') is null")[0]:
        return {}
    return dict(connection.execute("select version, checksum from schema_migrations").fetchall())


def _database_kind(connection: Connection[Any]) -> tuple[DatabaseKind, tuple[str, ...]]:
    """What the database was migrated as; for a new one, what it can be. And remarks on it."""
    installed, licence, installable = _one(connection, PROBE_SQL)
    found = probed(installed, licence)
    notes = []
    if installed and found is DatabaseKind.PLAIN:
        notes.append(f"TimescaleDB {installed} here is the Apache build: used as plain PostgreSQL")
    if installable and not installed:
        notes.append(
            "TimescaleDB is on this server but not in this database; "
            "`create extension timescaledb` before the first migration would use it"
        )
    chosen = found
    if not _one(connection, "select to_regclass('schema_migrations') is null")[0]:
        row = connection.execute("select min(database_kind) from schema_migrations").fetchone()
        chosen = DatabaseKind(row[0]) if row and row[0] else found
    if chosen is DatabaseKind.PLAIN and found is DatabaseKind.TIMESCALE:
        notes.append("this database was migrated as plain PostgreSQL and stays so")
    if chosen is DatabaseKind.TIMESCALE and found is DatabaseKind.PLAIN:
        message = "this database was migrated for TimescaleDB, which is gone or lost its licence"
        raise MigrationError(message)
    return chosen, tuple(notes)


def _apply(connection: Connection[Any], step: Migration, database_kind: DatabaseKind) -> None:
    if step.by_statement:
        for statement in statements(step.text):
            connection.execute(statement)
        _record(connection, step, database_kind)
        return
    with connection.transaction():
        connection.execute(step.text)
        _record(connection, step, database_kind)


def _record(connection: Connection[Any], step: Migration, database_kind: DatabaseKind) -> None:
    connection.execute(
        "insert into schema_migrations (version, name, checksum, database_kind) "
        "values (%s, %s, %s, %s)",
        (step.version, step.name, step.checksum, database_kind),
    )


def _refuse_pooler(connection: Connection[Any]) -> None:
    """The lock of a run belongs to a session, which a pooler would hand to others."""
    # 0: a server of one process, as the WebAssembly build is; nothing can stand before that.
    if _one(connection, "select pg_backend_pid()")[0] not in (0, connection.info.backend_pid):
        message = "DATABASE_URL leads through a connection pooler: migrate needs the server itself"
        raise MigrationError(message)


@contextmanager
def _locked(connection: Connection[Any], wait_s: int) -> Iterator[None]:
    _refuse_pooler(connection)
    connection.execute(f"set lock_timeout = '{wait_s}s'")
    try:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        message = f"another `hashgauge migrate` has been running for {wait_s} s; wait for it"
        raise MigrationError(message) from error
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _one(connection: Connection[Any], query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None, "a SELECT without FROM answers one row"
    return cast("tuple[Any, ...]", row)
