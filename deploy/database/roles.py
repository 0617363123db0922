"""Roles of the database: an owner for `migrate`, and one for each kind of process.

    hashgauge_owner        owns the tables: `hashgauge migrate`, and commands of operators
    hashgauge_api          `hashgauge serve`
    hashgauge_aggregator   `hashgauge aggregate`; a member of the notifier's, since it publishes
    hashgauge_notifier     `hashgauge notify`

`hashgauge database-roles` makes them, as a superuser. What each may do is deploy/sql/grants.sql,
which `hashgauge migrate` applies whenever it ran. A database with a single user does without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from aggregator.figures.rollups.database_kind import DatabaseKind
from deploy.database.statements import statements
from schemas.runtime.named_sql import load

OWNER: Final = "hashgauge_owner"
API: Final = "hashgauge_api"
AGGREGATOR: Final = "hashgauge_aggregator"
NOTIFIER: Final = "hashgauge_notifier"
PROCESSES: Final = (API, NOTIFIER, AGGREGATOR)
ROLES: Final = (OWNER, *PROCESSES)

_SQL: Final = load("deploy", "sql/grants.sql")


def make_roles(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Make the roles that are missing, and set the passwords of all; the database and its schema
    are the owner's afterwards. Safe to repeat. Returns what was made."""
    with psycopg.connect(admin_url, autocommit=True) as connection, connection.transaction():
        known = _known(connection)
        for role in ROLES:
            verb = "alter" if role in known else "create"
            connection.execute(
                sql.SQL("{} role {} login password {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.Literal(passwords[role])
                )
            )
        _give_database(connection)
        return [role for role in ROLES if role not in known]


def passwords_of(urls: Mapping[str, str]) -> dict[str, str]:
    """Role → password, from the addresses that the processes will connect with. ValueError for an
    address that names another role, or no password."""
    found = {}
    for role, url in urls.items():
        parts = conninfo_to_dict(url)
        if parts.get("user") != role or not parts.get("password"):
            message = f"the address of {role} must name it and its password"
            raise ValueError(message)
        found[role] = str(parts["password"])
    return found


def apply_grants(connection: Connection[Any], database_kind: DatabaseKind) -> list[str]:
    """Give each role that there is what its process needs, and take everything else away."""
    known = [role for role in PROCESSES if role in _known(connection)]
    with connection.transaction():
        for role in known:
            _run(connection, role)
        if AGGREGATOR in known:
            _run(connection, database_kind)
        if AGGREGATOR in known and database_kind is DatabaseKind.TIMESCALE:
            for relation, is_owned in connection.execute(_SQL["refreshed"], {}).fetchall():
                if not is_owned:
                    owner = "alter materialized view {} owner to hashgauge_aggregator"
                    connection.execute(owner.format(relation).encode())
                # An owner can be without a right to what it owns: a new chunk takes TRIGGER.
                grant = f"grant all on {relation} to hashgauge_aggregator"
                connection.execute(grant.encode())
    return [f"rights of {role}" for role in known]


def _known(connection: Connection[Any]) -> set[str]:
    rows = connection.execute(_SQL["known_roles"], {"names": list(ROLES)}).fetchall()
    return {row[0] for row in rows}


def _run(connection: Connection[Any], name: str) -> None:
    row = connection.execute("select quote_ident(current_schema())").fetchone()
    assert row is not None
    for statement in statements(_SQL[name].replace("{schema}", row[0])):
        connection.execute(statement)


def _give_database(connection: Connection[Any]) -> None:
    name, schema = connection.execute("select current_database(), current_schema()").fetchone() or (
        "",
        "",
    )
    database, own = sql.Identifier(name), sql.Identifier(schema)
    others = sql.SQL(", ").join(map(sql.Identifier, PROCESSES))
    for statement in (
        "alter database {database} owner to hashgauge_owner",
        "alter schema {own} owner to hashgauge_owner",
        "revoke connect, temporary on database {database} from public",
        # Figures are staged in temporary tables.
        "grant connect, temporary on database {database} to {others}",
        "revoke create on schema {own} from public",
        "grant usage on schema {own} to {others}",
        "grant hashgauge_notifier to hashgauge_aggregator",
        # So that the owner may hand aggregates over, and keep them up.
        "grant hashgauge_aggregator to hashgauge_owner",
    ):
        connection.execute(sql.SQL(statement).format(database=database, own=own, others=others))
