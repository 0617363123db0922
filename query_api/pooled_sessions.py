"""PgBouncer in transaction mode: the API notices it and works through it.

A pooler hands each transaction to whichever server session is free. So no setting made when a
session starts holds, and no prepared statement is where it was left. Behind one, every request is
one transaction that says its own settings first, and nothing is prepared: two round trips more a
request, and half a millisecond of planning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import asyncpg

from schemas.session import PINNED

_NO_SERVER_SOCKET: Final = "tcp_"
"""The server's socket is the pooler's: how long that may be silent is the pooler's setting."""


class PoolerFoundError(Exception):
    """The connection leads to a pooler."""


async def refuse_pooler(connection: asyncpg.Connection) -> None:
    """For the `init` of a pool. PoolerFoundError if the process that answers is not the one that
    took the connection: a pooler makes up an id of its own for each of its clients."""
    try:
        answering = await connection.fetchval("select pg_backend_pid()")
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
        raise PoolerFoundError from error
    if answering != connection.get_server_pid():
        raise PoolerFoundError


def refused_by_pooler(error: BaseException) -> bool:
    """Whether a pooler turned the connection away: it passes on few settings, and says so."""
    return isinstance(error, asyncpg.ProtocolViolationError) and "startup parameter" in str(error)


def transaction_settings(own: Mapping[str, str], *, readonly: bool) -> str:
    """What a transaction says first: simple statements, sent in one go."""
    settings = {
        name: value
        for name, value in {**PINNED, **own}.items()
        if not name.startswith(_NO_SERVER_SOCKET)
    }
    # A role may be read-only by default; the transaction has begun as one then.
    access = "only" if readonly else "write"
    lines = (f"set local {name} = {_quoted(value)}" for name, value in settings.items())
    return "; ".join([f"set transaction read {access}", *lines])


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
