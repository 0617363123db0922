"""A connection that the server is just ending: the caller is asked to come back."""

from __future__ import annotations

import asyncpg
import pytest

from deploy.settings.database_address import asyncpg_address
from query_api.config import DatabaseConfig
from query_api.database import Database
from query_api.http.errors import UnavailableError

pytestmark = pytest.mark.postgres


async def test_request_that_meets_the_end_of_a_connection_is_unavailable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncpg says so by an error of its own, and the connection is of no use any more."""

    async def ended(*_arguments: object, **_options: object) -> object:
        raise asyncpg.InternalClientError("cannot switch to state 11")

    database = Database(DatabaseConfig(url=asyncpg_address(database_url)))
    await database.open()
    try:
        before = await database.fetch_value("select pg_backend_pid()")
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Connection, "fetchval", ended)
            with pytest.raises(UnavailableError):
                await database.fetch_value("select 1")
        assert await database.fetch_value("select pg_backend_pid()") != before
    finally:
        await database.close()
