"""Pools, operators, miners and roles from a CSV file, again and again without harm.

One line a miner, or a role on something; a header names the columns, of which `pool` is needed:

    pool,domain,operator,miner,title,email,role
    Example Pool,pool.example,,,,boss@example.com,owner
    Example Pool,pool.example,North Hall,hall_one,Hall 1,miner@example.com,owner

Commas, semicolons or tabs are between fields. A role is held on the miner where the line names one,
else on the operator, else on the pool.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from query_api.store.people.users import invite
from query_api.store.roles import SQL as ROLES_SQL
from schemas.access import ROLES_ON, EntityKind, Role
from schemas.addresses.email import normalized
from schemas.addresses.host import HOST
from schemas.names.account_name import good_account_name
from schemas.names.titles import as_kept, good_title
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/admin.sql")
COLUMNS: Final = ("pool", "domain", "operator", "miner", "title", "email", "role")


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
    reader = _reader(list(lines))
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if set(names) - set(COLUMNS) or "pool" not in names or len(set(names)) < len(names):
        raise AccountsError(f"the header must name columns of: {','.join(COLUMNS)}")
    reader.fieldnames = names
    try:
        return [_line(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise AccountsError(f"line {reader.reader.line_num}: {error}") from error


def _reader(lines: Sequence[str]) -> csv.DictReader[str]:
    """With commas, or what spreadsheets of other countries write in their place."""
    header = lines[0] if lines else ""
    return csv.DictReader(lines, delimiter=max(",;\t", key=header.count))


def _line(number: int, row: Mapping[str | None, str | None]) -> Line:
    if None in row:
        raise AccountsError(f"line {number}: has more fields than the header")
    texts = (as_kept(row.get(name) or "") for name in COLUMNS)
    values = {name: text or None for name, text in zip(COLUMNS, texts, strict=True)}
    pool, role, email = values["pool"], values["role"], values["email"]
    if pool is None:
        raise AccountsError(f"line {number}: pool: is empty")
    for name in ("pool", "operator", "title"):
        text = values[name]
        if text is not None and not good_title(text):
            raise AccountsError(f"line {number}: {name}: has characters or a length not allowed")
    if (role is None) != (email is None):
        raise AccountsError(f"line {number}: email and role: one without the other")
    try:
        email = None if email is None else normalized(email)
    except ValueError as error:
        raise AccountsError(f"line {number}: email: {error}") from error
    if values["domain"] and not HOST.fullmatch(values["domain"]):
        raise AccountsError(f"line {number}: domain: a host such as pool.example is expected")
    if values["miner"] and not good_account_name(values["miner"]):
        raise AccountsError(f"line {number}: miner: 3 to 128 word characters are expected")
    line = Line(
        number,
        pool,
        values["domain"],
        values["operator"],
        values["miner"],
        values["title"],
        email,
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
