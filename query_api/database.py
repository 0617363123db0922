"""The API's way to PostgreSQL: a bounded pool that survives the server's absence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import structlog

from query_api.config import DatabaseConfig
from query_api.http.errors import InvalidInputError, UnavailableError
from query_api.pooled_sessions import (
    PoolerFoundError,
    refuse_pooler,
    refused_by_pooler,
    transaction_settings,
)
from schemas.session import PINNED

log: Final = structlog.get_logger()

Row: TypeAlias = Mapping[str, Any]
"""An `asyncpg.Record`, read by column name."""

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asked just while the server was ending the connection
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, starting up, statement timeout
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InternalServerError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, or a primary that was just demoted
    asyncpg.TransactionRollbackError,  # a replica cancels what its log overtakes (40001, 40P01)
    asyncpg.UndefinedTableError,  # not migrated yet
    asyncpg.UndefinedColumnError,
)
"""What says nothing about the request: the caller may come back."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Without the reset query: nothing here changes the session, and it costs a round trip.

    A statement that the server cancelled for another's sake is sent once more, unless it is a part
    of a transaction: nothing of it was done, and mostly the reason is over."""

    def get_reset_query(self) -> str:
        return ""

    async def fetch(self, *args: Any, **options: Any) -> Any:
        return await self._once_more(super().fetch, *args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        return await self._once_more(super().fetchrow, *args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        return await self._once_more(super().fetchval, *args, **options)

    async def execute(self, *args: Any, **options: Any) -> Any:
        return await self._once_more(super().execute, *args, **options)

    async def _once_more(
        self, send: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> Any:
        if self.is_in_transaction():
            return await send(*args, **options)
        try:
            return await send(*args, **options)
        except asyncpg.TransactionRollbackError:
            return await send(*args, **options)


class Database:
    """Owned by one event loop. Refuses work when too many requests wait for a connection.

    The first connection shows whether a pooler stands before the server (`pooled_sessions`).
    """

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        self._pool: asyncpg.Pool | None = None
        self._pooled = False
        self._waiting = 0
        # Turns, as the queue of the pool is not fair: one who comes later may take what was given
        # back for one who waits, and who goes to its end again (for 1.4 s, at a median of 2 ms).
        self._turns = asyncio.Semaphore(config.pool_size)
        self._settings = {
            "statement_timeout": str(round(config.statement_timeout_s * 1_000)),
            "idle_in_transaction_session_timeout": "15000",
            "jit": "off",  # compiling costs more than any of these queries
            # Plans are kept: none here depends on a value, and planning anew for each list of
            # ids, which PostgreSQL would prefer, takes longer than a chart (0.3 of 0.4 ms).
            "plan_cache_mode": "force_generic_plan",
        }

    async def open(self) -> None:
        """Does not connect: the server may still be away."""
        self._pool = await self._new_pool(
            init=refuse_pooler, server_settings={**PINNED, **self._settings}
        )

    async def _open_pooled(self) -> None:
        pool = await self._new_pool(init=None, server_settings={}, statement_cache_size=0)
        if not self._pooled:
            log.warning("database_behind_pooler", prepared_statements=False)
            before, self._pool, self._pooled = self._pool, pool, True
            if before is not None:
                before.terminate()  # none of its connections came up

    async def _new_pool(self, *, server_settings: dict[str, str], **options: Any) -> asyncpg.Pool:
        config = self._config
        return await asyncpg.create_pool(
            config.url,
            min_size=0,
            max_size=config.pool_size,
            timeout=config.connect_timeout_s,
            # A server that answers nothing at all; the statement timeout is the server's own.
            command_timeout=config.statement_timeout_s + 2,
            connection_class=_Connection,
            server_settings={**server_settings, "application_name": config.application_name},
            **options,
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
        async with self._acquired() as connection:
            if self._pooled:
                async with self._pooled_transaction(connection):
                    yield connection
            else:
                yield connection

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[asyncpg.Connection]:
        async with self._acquired() as connection:
            if self._pooled:
                async with self._pooled_transaction(connection, readonly=readonly):
                    yield connection
            else:
                isolation = "repeatable_read" if readonly else None
                async with connection.transaction(isolation=isolation, readonly=readonly):
                    yield connection

    @asynccontextmanager
    async def _pooled_transaction(
        self, connection: asyncpg.Connection, *, readonly: bool = False
    ) -> AsyncIterator[None]:
        isolation = "repeatable_read" if readonly else "read_committed"
        async with connection.transaction(isolation=isolation):
            await connection.execute(transaction_settings(self._settings, readonly=readonly))
            yield

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[asyncpg.Connection]:
        if self._pool is None or self._waiting >= self._config.queue_size:
            raise UnavailableError("too many requests wait for the database")
        self._waiting += 1
        try:
            connection = await self._acquire()
        except (*AWAY, asyncpg.PostgresError) as error:  # a server may refuse for many reasons
            log.warning("database_away", error=type(error).__name__)
            raise UnavailableError("the database is away or busy") from error
        finally:
            self._waiting -= 1
        pool = self._pool
        try:
            yield connection
        except asyncpg.DataError as error:
            raise InvalidInputError("a value cannot be stored as it is") from error
        except AWAY as error:
            log.warning("database_failed", error=type(error).__name__)
            if isinstance(error, asyncpg.InternalClientError):
                connection.terminate()  # nobody knows any more what it waits for
            raise UnavailableError("the database did not answer") from error
        finally:
            await self._release(pool, connection)

    async def _acquire(self) -> asyncpg.Connection:
        """In the order of asking; each has to be given to `_release`."""
        async with asyncio.timeout(self._config.acquire_timeout_s):
            await self._turns.acquire()
        try:
            return await self._acquire_from_pool()
        except BaseException:
            self._turns.release()
            raise

    async def _acquire_from_pool(self) -> asyncpg.Connection:
        assert self._pool is not None
        try:
            return await self._pool.acquire(timeout=self._config.acquire_timeout_s)
        except (PoolerFoundError, asyncpg.ProtocolViolationError) as error:
            if not (isinstance(error, PoolerFoundError) or refused_by_pooler(error)):
                raise
            await self._open_pooled()
            return await self._pool.acquire(timeout=self._config.acquire_timeout_s)

    async def _release(self, pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
        try:
            await pool.release(connection)
        except AWAY as error:
            log.warning("database_release_failed", error=type(error).__name__)
        finally:
            self._turns.release()

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
