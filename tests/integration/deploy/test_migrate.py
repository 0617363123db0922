"""Migrations: applied once and in order, in both kinds of database, whatever came in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString, cast

import psycopg
import pytest

from aggregator.figures.rollups.database_kind import DatabaseKind, probed
from aggregator.figures.rollups.retention import Policies
from deploy.database import migrate as runner
from deploy.database.migrate import Migration, MigrationError, Report, migrate
from deploy.database.statements import statements
from schemas.rollups import FAMILIES
from schemas.windows import LEVELS

FILES = {database_kind: runner.available(database_kind) for database_kind in DatabaseKind}
WITHOUT_TRANSACTION = [step.version for step in FILES[DatabaseKind.TIMESCALE] if step.by_statement]


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(cast("LiteralString", query)).fetchall()


def execute(url: str, *scripts: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for script in scripts:
            connection.execute(cast("LiteralString", script))


def changes_of(report: Report) -> list[str]:
    """Its policies, without the rights that it gives each time: the server may have the roles."""
    return [change for change in report.policies if not change.startswith("rights of ")]


def applied(url: str) -> list[tuple[int, str]]:
    return rows(url, "select version, database_kind from schema_migrations order by version")


@pytest.fixture(
    params=[
        pytest.param(DatabaseKind.PLAIN, marks=pytest.mark.postgres),
        pytest.param(DatabaseKind.TIMESCALE, marks=pytest.mark.timescale),
    ]
)
def new_database(request: pytest.FixtureRequest) -> tuple[str, DatabaseKind]:
    name = {DatabaseKind.PLAIN: "empty_database_url", DatabaseKind.TIMESCALE: "empty_timescale_url"}
    return request.getfixturevalue(name[request.param]), request.param


def test_both_database_kinds_have_the_same_versions() -> None:
    plain, timescale = FILES[DatabaseKind.PLAIN], FILES[DatabaseKind.TIMESCALE]
    assert [step.version for step in plain] == [step.version for step in timescale]
    # Numbers may be left out: branches that grow beside each other take theirs beforehand.
    assert plain[0].version == 1


def test_a_new_database_gets_every_migration_once(new_database: tuple[str, DatabaseKind]) -> None:
    url, database_kind = new_database
    assert len(runner.pending(url)) == len(FILES[database_kind])
    first, second = migrate(url), migrate(url)
    assert first.database_kind is database_kind
    assert len(first.applied) == len(FILES[database_kind])
    assert (second.applied, changes_of(second)) == ((), [])
    assert applied(url) == [(step.version, database_kind.value) for step in FILES[database_kind]]
    assert runner.pending(url) == ()
    with psycopg.connect(url) as connection:
        assert runner.is_current(connection)


def test_readiness_knows_an_old_schema_and_a_newer_one(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        assert runner.current_version(connection) == 0
        migrate(empty_database_url, to=2)
        assert (runner.current_version(connection), runner.is_current(connection)) == (2, False)
        migrate(empty_database_url)
        assert runner.current_version(connection) == runner.expected_version()
        connection.execute("insert into schema_migrations values (9999, 'later', '', 'plain')")
        assert runner.is_current(connection)


def test_a_failed_migration_leaves_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Migration(1, "broken", "create table left_over (a int); select 1 / 0;")
    monkeypatch.setattr(runner, "available", lambda *_: [broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_database_url)
    assert rows(empty_database_url, "select to_regclass('left_over')") == [(None,)]
    monkeypatch.undo()
    assert len(migrate(empty_database_url).applied) == len(FILES[DatabaseKind.PLAIN])


@pytest.mark.parametrize("version", WITHOUT_TRANSACTION)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.99])
def test_an_interrupted_file_without_transaction_goes_on(
    empty_timescale_url: str, version: int, share: float
) -> None:
    (step,) = (x for x in FILES[DatabaseKind.TIMESCALE] if x.version == version)
    migrate(empty_timescale_url, to=version - 1)
    parts = statements(step.text)
    execute(empty_timescale_url, *parts[: int(len(parts) * share)])
    report = migrate(empty_timescale_url)
    assert report.version == runner.expected_version()
    views = rows(
        empty_timescale_url,
        "select view_name::text from timescaledb_information.continuous_aggregates order by 1",
    )
    assert [name for (name,) in views] == sorted(
        family.relation(level.name) for family in FAMILIES for level in LEVELS
    )


def test_a_chart_needs_one_index_and_no_row_of_a_rollup(
    new_database: tuple[str, DatabaseKind],
) -> None:
    url, database_kind = new_database
    migrate(url)
    tables = {family.relation(level.name): family.key for family in FAMILIES for level in LEVELS}
    stored = (
        "select view_name::text, materialization_hypertable_name::text "
        "from timescaledb_information.continuous_aggregates"
    )
    if database_kind is DatabaseKind.TIMESCALE:
        tables = {table: tables[view] for view, table in rows(url, stored)}
    else:
        tables = {f"{view}_closed": key for view, key in tables.items()}
    assert len(tables) == len(FAMILIES) * len(LEVELS)
    for table, key in tables.items():
        by_key = [
            definition
            for (definition,) in rows(
                url, f"select indexdef from pg_indexes where tablename = '{table}'"
            )
            if f"({key}, bucket)" in definition
        ]
        assert len(by_key) == 1, by_key
        assert by_key[0].endswith(f"({key}, bucket) INCLUDE (accepted, rejected)")


def test_two_runs_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(migrate, [empty_database_url] * 4))
    assert sum(len(report.applied) for report in reports) == len(FILES[DatabaseKind.PLAIN])


def test_a_run_does_not_wait_for_ever(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as other:
        other.execute("select pg_advisory_lock(%s)", (runner._LOCK,))
        with pytest.raises(MigrationError, match="another `hashgauge migrate`"):
            migrate(empty_database_url, wait_s=1)


def test_a_changed_file_is_refused(database_url: str) -> None:
    execute(database_url, "update schema_migrations set checksum = 'other' where version = 2")
    with pytest.raises(MigrationError, match="0002 intake was changed after it was applied"):
        migrate(database_url)


def test_a_database_stays_what_it_was_migrated_as(database_url: str) -> None:
    execute(database_url, "update schema_migrations set database_kind = 'timescale'")
    with pytest.raises(MigrationError, match="for TimescaleDB, which is gone"):
        migrate(database_url)


def test_the_apache_build_counts_as_plain() -> None:
    assert probed("2.28.0", "apache") is DatabaseKind.PLAIN
    assert probed("2.28.0", "timescale") is DatabaseKind.TIMESCALE
    assert probed(None, None) is DatabaseKind.PLAIN


@pytest.mark.postgres
@pytest.mark.timescale
def test_rollups_have_the_same_columns_on_both_database_kinds(
    database_url: str, timescale_url: str
) -> None:
    query = (
        "select c.relname::text, attname::text, format_type(atttypid, atttypmod) "
        "from pg_attribute a join pg_class c on c.oid = a.attrelid "
        "where c.relnamespace = 'public'::regnamespace and attnum > 0 "
        r"and c.relname ~ '^(worker|entity)_(minutes|15m|1h|1d)$' and c.relkind in ('r', 'v') "
        "order by c.relname, attnum"
    )
    plain, timescale = rows(database_url, query), rows(timescale_url, query)
    assert len(plain) > 0
    assert plain == timescale


def test_changed_policies_come_into_force_on_a_live_database(timescale_url: str) -> None:
    default = Policies()
    changed = replace(
        default,
        keep_minutes=timedelta(days=5),
        minutes_chunk=timedelta(hours=1),
        quarter=replace(default.quarter, compress_after=timedelta(days=6)),
    )
    report = migrate(timescale_url, changed)
    assert [change.split(":")[0] for change in changes_of(report)] == [
        *("worker_minutes", "worker_15m"),
        *("entity_minutes", "entity_15m"),
        "retention",
    ]
    assert changes_of(migrate(timescale_url, changed)) == []
    jobs = rows(
        timescale_url,
        "select proc_name::text, count(*) from timescaledb_information.jobs where job_id >= 1000 "
        "and scheduled group by 1 order by 1",
    )
    # No refresh among them: it would go by the wall clock.
    assert jobs == [("hashgauge_retain", 1), ("policy_compression", 8)]
    keep = rows(
        timescale_url,
        "select config #>> '{keep,worker_minutes}' from timescaledb_information.jobs "
        "where proc_name = 'hashgauge_retain'",
    )
    assert keep == [("432000 seconds",)]
    assert len(migrate(timescale_url, default).policies) == len(report.policies)
