"""The API's way to PostgreSQL: a bounded pool that survives the server's absence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import structlog

from query_api.config import DatabaseConfig
from query_api.errors import InvalidInputError, UnavailableError

log: Final = structlog.get_logger()

Row: TypeAlias = Mapping[str, Any]
"""An `asyncpg.Record`, read by column name."""

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, starting up, statement timeout
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InternalServerError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, or a primary that was just demoted
    asyncpg.UndefinedTableError,  # not migrated yet
    asyncpg.UndefinedColumnError,
)
"""What says nothing about the request: the caller may come back."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Without the reset query: nothing here changes the session, and it costs a round trip."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Owned by one event loop. Refuses work when too many requests wait for a connection."""

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        self._pool: asyncpg.Pool | None = None
        self._waiting = 0

    async def open(self) -> None:
        """Does not connect: the server may still be away."""
        config = self._config
        self._pool = await asyncpg.create_pool(
            config.url,
            min_size=0,
            max_size=config.pool_size,
            timeout=config.connect_timeout_s,
            # A server that answers nothing at all; the statement timeout is the server's own.
            command_timeout=config.statement_timeout_s + 2,
            connection_class=_Connection,
            server_settings={
                "application_name": config.application_name,
                "statement_timeout": str(round(config.statement_timeout_s * 1_000)),
                "idle_in_transaction_session_timeout": "15000",
                "timezone": "UTC",
                "jit": "off",  # compiling costs more than any of these queries
                # Plans are kept: none here depends on a value, and planning anew for each list of
                # ids, which PostgreSQL would prefer, takes longer than a chart (0.3 of 0.4 ms).
                "plan_cache_mode": "force_generic_plan",
            },
        )

    async def close(self, *, timeout_s: float = 5.0) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool; UnavailableError when none can be had in time."""
        if self._pool is None or self._waiting >= self._config.queue_size:
            raise UnavailableError("too many requests wait for the database")
        self._waiting += 1
        try:
            connection = await self._pool.acquire(timeout=self._config.acquire_timeout_s)
        except (*AWAY, asyncpg.PostgresError) as error:  # a server may refuse for many reasons
            log.warning("database_away", error=type(error).__name__)
            raise UnavailableError("the database is away or busy") from error
        finally:
            self._waiting -= 1
        try:
            yield connection
        except asyncpg.DataError as error:
            raise InvalidInputError("a value cannot be stored as it is") from error
        except AWAY as error:
            log.warning("database_failed", error=type(error).__name__)
            raise UnavailableError("the database did not answer") from error
        finally:
            await self._release(connection)

    async def _release(self, connection: asyncpg.Connection) -> None:
        assert self._pool is not None
        try:
            await self._pool.release(connection)
        except AWAY as error:
            log.warning("database_release_failed", error=type(error).__name__)

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[asyncpg.Connection]:
        async with self.connection() as connection:
            isolation = "repeatable_read" if readonly else None
            async with connection.transaction(isolation=isolation, readonly=readonly):
                yield connection

    async def fetch(self, sql: str, *values: Any) -> Sequence[Row]:
        async with self.connection() as connection:
            rows: Sequence[Row] = await connection.fetch(sql, *values)
            return rows

    async def fetch_row(self, sql: str, *values: Any) -> Row | None:
        async with self.connection() as connection:
            row: Row | None = await connection.fetchrow(sql, *values)
            return row

    async def fetch_value(self, sql: str, *values: Any) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> None:
        async with self.connection() as connection:
            await connection.execute(sql, *values)
