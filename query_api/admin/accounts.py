"""Pools, operators, miners and roles from a CSV file, again and again without harm.

One line a miner, or a role on something; a header names the columns, of which `pool` is needed:

    pool,domain,operator,miner,title,email,role
    Example Pool,pool.example,,,,boss@example.com,owner
    Example Pool,pool.example,North Hall,hall_one,Hall 1,miner@example.com,owner

A role is held on the miner where the line names one, else on the operator, else on the pool.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from query_api.bodies import EMAIL_PATTERN
from query_api.store.roles import SQL as ROLES_SQL
from query_api.store.users import invite
from schemas.access import ROLES_ON, EntityKind, Role
from schemas.named_sql import load

SQL: Final = load("query_api", "sql/admin.sql")
COLUMNS: Final = ("pool", "domain", "operator", "miner", "title", "email", "role")
ACCOUNT_NAME: Final = re.compile(r"\w{3,128}")
EMAIL: Final = re.compile(EMAIL_PATTERN)


class AccountsError(ValueError):
    """A line that cannot be taken; nothing of the file was."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file; empty fields are None."""

    number: int
    pool: str
    domain: str | None
    operator: str | None
    miner: str | None
    title: str | None
    email: str | None
    role: Role | None

    @property
    def kind(self) -> EntityKind:
        if self.miner:
            return EntityKind.MINER
        return EntityKind.OPERATOR if self.operator else EntityKind.POOL


@dataclass(frozen=True, slots=True)
class Imported:
    """How many of each the file names."""

    pools: int
    operators: int
    miners: int
    roles: int


def read_lines(lines: Iterable[str]) -> list[Line]:
    """AccountsError that names the line and what is wrong with it."""
    reader = csv.DictReader(lines)
    unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    if unknown or "pool" not in (reader.fieldnames or ()):
        raise AccountsError(f"the header must name columns of: {','.join(COLUMNS)}")
    return [_line(reader.line_num, row) for row in reader]


def _line(number: int, row: Mapping[str, str | None]) -> Line:
    values = {name: (row.get(name) or "").strip() or None for name in COLUMNS}
    pool, role, email = values["pool"], values["role"], values["email"]
    if pool is None:
        raise AccountsError(f"line {number}: pool: is empty")
    if (role is None) != (email is None):
        raise AccountsError(f"line {number}: email and role: one without the other")
    if email is not None and not EMAIL.fullmatch(email):
        raise AccountsError(f"line {number}: email: {email} is none")
    if values["miner"] and not ACCOUNT_NAME.fullmatch(values["miner"]):
        raise AccountsError(f"line {number}: miner: 3 to 128 word characters are expected")
    line = Line(
        number,
        pool,
        values["domain"],
        values["operator"],
        values["miner"],
        values["title"],
        email.lower() if email else None,
        _role(number, role),
    )
    if line.role is not None and line.role not in ROLES_ON[line.kind]:
        raise AccountsError(f"line {number}: role: {line.role} cannot be held on a {line.kind}")
    return line


def _role(number: int, role: str | None) -> Role | None:
    try:
        return None if role is None else Role(role)
    except ValueError as error:
        raise AccountsError(f"line {number}: role: one of {', '.join(Role)}") from error


async def import_accounts(url: str, lines: Iterable[str]) -> Imported:
    """Take in the whole file, in one transaction. What is there stays or is updated; nothing is
    ever removed."""
    parsed = read_lines(lines)
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for line in parsed:
                await _take(connection, line)
    finally:
        await connection.close()
    return Imported(
        pools=len({line.pool for line in parsed}),
        operators=len({(line.pool, line.operator) for line in parsed if line.operator}),
        miners=len({line.miner for line in parsed if line.miner}),
        roles=sum(line.role is not None for line in parsed),
    )


async def _take(connection: Any, line: Line) -> None:
    entity_id = pool_id = await connection.fetchval(SQL["upsert_pool"], line.pool, line.domain)
    operator_id = None
    if line.operator:
        operator_id = await connection.fetchval(SQL["upsert_operator"], pool_id, line.operator)
        entity_id = operator_id
    if line.miner:
        entity_id = await connection.fetchval(
            SQL["upsert_miner"], line.miner, line.title, pool_id, operator_id
        )
    if line.email and line.role:
        user = await invite(connection, line.email)
        roles = [line.role.value]
        await connection.execute(ROLES_SQL["grant_roles"], entity_id, user["uid"], roles)
