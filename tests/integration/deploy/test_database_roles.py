"""Each process under its own role of the database: what it needs, and what it may not do.

Every named statement of a process is explained under its role: PostgreSQL checks the rights to
each table and column then, without running it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.database.migrate import migrate
from deploy.database.roles import (
    AGGREGATOR,
    API,
    NOTIFIER,
    OWNER,
    PROCESSES,
    ROLES,
    apply_grants,
    make_roles,
    passwords_of,
)
from deploy.database.statements import statements
from query_api.store.telemetry import Subject, scopes_statement, statement
from schemas.rollups import ENTITIES, WORKERS
from schemas.runtime.named_sql import parse
from schemas.windows import LEVELS, MINUTES
from tests.fixtures.postgres import running_server

pytestmark = pytest.mark.postgres
ROOT: Final = Path(__file__).parents[3]
# Rooms of the SQL that each process runs; `admin` and the commands are the owner's.
ROOMS: Final = {
    API: ["query_api/sql"],
    NOTIFIER: ["aggregator/notify/sql"],
    AGGREGATOR: [
        *("aggregator/intake/sql", "aggregator/figures/sql", "aggregator/chain/sql"),
        *("aggregator/settlement/sql", "aggregator/payouts/sql", "aggregator/notify/sql"),
        "aggregator/ledger/sql",
    ],
}
# Commands alone, under the owner; and statements of TimescaleDB, which is not here.
OTHERS: Final = ("query_api/sql/admin.sql", "aggregator/intake/sql/rewind.sql")
# What the doctor and `hashgauge status` ask beside an API.
CARE: Final = ("deploy/sql/doctor.sql", "deploy/sql/status.sql", "aggregator/ledger/sql/check.sql")
FILLED: Final = {
    "{scope}": "id",
    "{order}": "1",
    "{relation}": "worker_15m",
    "{table}": "worker_15m_closed",
    "{key}": "worker_id",
    "{day}": "'2026-09-13'",
    "{start}": "'2026-09-13'",
    "{end}": "'2026-09-14'",
    "{chosen}": "",
}


@dataclass(frozen=True, slots=True)
class Roled:
    """A migrated database of the owner's; addresses by role."""

    urls: dict[str, str]


@pytest.fixture(scope="module")
def roled() -> Iterator[Roled]:
    """On a server without any role."""
    with running_server() as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database roled template template0")
        at = server.url("roled")
        urls = {role: make_conninfo(at, user=role, password=f'{role}\'s "own"') for role in ROLES}
        assert make_roles(at, passwords_of(urls)) == list(ROLES)
        report = migrate(urls[OWNER])
        assert report.policies == tuple(f"rights of {role}" for role in PROCESSES)
        yield Roled(urls)


def statements_of(role: str) -> Iterator[tuple[str, str]]:
    for room in ROOMS[role]:
        for file in sorted((ROOT / room).glob("*.sql")):
            place = str(file.relative_to(ROOT))
            if place in OTHERS:
                continue
            for name, text in parse(file.read_text()).items():
                yield f"{place}: {name}", filled(text)
    if role != API:
        for lease in ("publisher",) if role == NOTIFIER else ("leader", "settlement_leader"):
            for name, text in parse(
                (ROOT / "aggregator/postgres/sql/lease.sql").read_text()
            ).items():
                yield f"{lease}: {name}", text.replace("{table}", lease)
    if role == API:
        for place in CARE:
            for name, text in parse((ROOT / place).read_text()).items():
                if "timescaledb_information" not in text:
                    yield f"{place}: {name}", text
        for subject in Subject:
            yield f"scopes of {subject}", scopes_statement(subject)
            yield f"stats of {subject}", statement("stats", subject, level="figures")
            for level in (MINUTES, *(level.name for level in LEVELS)):
                yield f"chart of {subject}", statement("chart", subject, level=level)
                yield f"rejects of {subject}", statement("rejects", subject, level=level)
    if role == AGGREGATOR:
        for level in LEVELS:
            for family in (WORKERS, ENTITIES):
                relation = family.closed_relation(level.name)
                yield relation, f"delete from {relation} where false"
                yield relation, f"insert into {relation} select * from {relation} where false"


def filled(text: str) -> str:
    for place, part in FILLED.items():
        text = text.replace(place, part)
    return text


def numbered(text: str) -> str:
    """Parameters of psycopg as those of PostgreSQL."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    return re.sub(r"%\((\w+)\)s", number, text).replace("%%", "%")


def kept(text: str) -> str:
    """A temporary table that stays, for the statements that read it."""
    text = re.sub(r"create temp\w* table (?!if)", "create temp table if not exists ", text)
    return re.sub(r"\$\d+", "null", text.replace("on commit drop", ""))


def explained(connection: psycopg.Connection[Any], text: str) -> str | None:
    """What PostgreSQL says against it; None if it would run."""
    try:
        with connection.transaction():
            connection.execute(f"explain (generic_plan) {text}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        return str(error)
    except (psycopg.errors.SyntaxError, psycopg.errors.UndefinedTable) as error:
        return f"unknown: {error}"
    return None


def is_explainable(text: str) -> bool:
    word = re.sub(r"--[^\n]*", "", text).split(maxsplit=1)[0].lower()
    return word in ("select", "insert", "update", "delete", "with", "values")


@pytest.mark.parametrize("role", PROCESSES)
def test_a_process_may_run_each_of_its_statements(roled: Roled, role: str) -> None:
    refused, seen = [], 0
    with psycopg.connect(roled.urls[role], autocommit=True) as connection:
        found = [
            (name, numbered(part))
            for name, text in statements_of(role)
            if "{asked}" not in text and "rollup_queue" not in text
            for part in statements(text)
        ]
        for _, text in found:
            if "create temp" in text:
                connection.execute(kept(text).encode())
        for name, text in found:
            if is_explainable(text):
                seen += 1
                complaint = explained(connection, text)
                if complaint is not None:
                    refused.append(f"{name}: {complaint}")
    assert refused == []
    assert seen > 25


FORBIDDEN: Final = [
    (API, "update ledger_balances set never_negative = false"),
    (API, "delete from ledger_transfers"),
    (API, "update payments set amount_sat = 0"),
    (API, "insert into reward_rates default values"),
    (API, "delete from worker_minutes"),
    (API, "update worker_statuses set status = 'off'"),
    (API, "delete from events"),
    (API, "update publisher set epoch = 0"),
    (API, "delete from miners"),
    (API, "select * from producer_sequences"),
    (AGGREGATOR, "select * from api_keys"),
    (AGGREGATOR, "select token from watchers"),
    (AGGREGATOR, "insert into roles default values"),
    (AGGREGATOR, "insert into api_keys default values"),
    (AGGREGATOR, "update users set email = null"),
    (AGGREGATOR, "update ledger_balances set never_negative = false"),
    (AGGREGATOR, "update ledger_transfers set amount_sat = 0"),
    (AGGREGATOR, "insert into wallet_addresses default values"),
    (AGGREGATOR, "delete from payments"),
    (NOTIFIER, "select * from api_keys"),
    (NOTIFIER, "select * from watchers"),
    (NOTIFIER, "select * from payments"),
    (NOTIFIER, "select * from wallets"),
    (NOTIFIER, "select * from worker_minutes"),
    (NOTIFIER, "insert into thresholds default values"),
    (NOTIFIER, "update events set to_status = 'off'"),
    (NOTIFIER, "update users set email = 'mine@example.com'"),
    (NOTIFIER, "insert into roles default values"),
    *[(role, "create table t ()") for role in PROCESSES],
    *[(role, "drop table workers") for role in PROCESSES],
    *[(role, "truncate events") for role in PROCESSES],
    *[(role, "insert into schema_migrations values (99, 'x', 'x', 'x')") for role in PROCESSES],
    *[(role, "alter role hashgauge password 'x'") for role in ROLES],
    *[(role, "create role mine") for role in ROLES],
    *[(role, "copy workers to program 'true'") for role in ROLES],
]


@pytest.mark.parametrize(("role", "text"), FORBIDDEN)
def test_a_process_may_do_nothing_else(roled: Roled, role: str, text: str) -> None:
    with (
        psycopg.connect(roled.urls[role], autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(text.encode())


def test_a_miner_has_its_wallet_and_fees_whoever_makes_it(roled: Roled) -> None:
    """Triggers keep the books with the rights of the owner."""
    pool = "insert into pools (title) values (%s) returning id"
    miner = "insert into miners (account_name, pool_id) values (%s, %s) returning id"
    opened = "select count(*) from wallets where owner_id = any(%s)"
    for role in (API, AGGREGATOR):
        with psycopg.connect(roled.urls[role], autocommit=True) as connection:
            (pool_id,) = connection.execute(pool, (role,)).fetchone() or (0,)
            (miner_id,) = connection.execute(miner, (role, pool_id)).fetchone() or (0,)
            assert connection.execute(opened, ([pool_id, miner_id],)).fetchone() == (2,)


def test_rights_follow_the_file_again_and_again(roled: Roled) -> None:
    with psycopg.connect(roled.urls[OWNER], autocommit=True) as connection:
        connection.execute(f"grant delete on payments to {API}".encode())
        kind = migrate(roled.urls[OWNER]).database_kind
        apply_grants(connection, kind)
        (held,) = connection.execute(
            "select has_table_privilege(%s, 'payments', 'delete')", (API,)
        ).fetchone() or (True,)
    assert held is False


@pytest.mark.parametrize(
    ("role", "url"),
    [
        (API, "postgresql://hashgauge_owner:x@db/h"),
        (API, "postgresql://hashgauge_api@db/h"),
        (API, "postgresql://db/h"),
    ],
)
def test_an_address_names_its_role_and_a_password(role: str, url: str) -> None:
    with pytest.raises(ValueError, match=role):
        passwords_of({role: url})
