"""Waiting for the database: what needs it is tried until it succeeds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.offsets import Connection
from ingest.errors import RetryableError

log = structlog.get_logger(__name__)

T = TypeVar("T")

# What a database says when it is away, full, restarting or busy, or ended our transaction. Errors
# of other kinds (a missing table, a value out of range) do not pass by waiting.
PASSING: Final = (psycopg.OperationalError, psycopg.InternalError, RetryableError)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the way to the database is open; `error` says why not."""

    ok: bool = True
    error: str = ""


class Patience:
    """Runs what needs the database until it succeeds; says once that it is away, and once that it
    is back."""

    def __init__(self, pool: AsyncConnectionPool[Any], config: IntakeConfig) -> None:
        self._pool = pool
        self._config = config
        self.health = Health()

    async def run(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """The answer of `operation`, which must be safe to run again after a failure."""
        pause_s = self._config.retry_first_s
        while True:
            try:
                async with self._pool.connection() as connection:
                    answer = await self._bounded(connection, operation(connection))
            except PASSING as error:
                self._note_failure(error)
            else:
                self._note_success()
                return answer
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._config.retry_longest_s)

    async def _bounded(self, connection: Connection, work: Awaitable[T]) -> T:
        """A database that is there but says nothing is away, too."""
        silence_s = self._config.database_silence_s
        cut = asyncio.get_running_loop().call_later(silence_s, _cut, connection)
        try:
            answer = await work
            # Where `work` has left that open: it is a wait for the server, too.
            await connection.commit()
            return answer
        finally:
            cut.cancel()

    def _note_failure(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {str(error).strip()}"
        if self.health.ok:
            log.error("intake_waits", error=text)
        self.health = Health(ok=False, error=text)

    def _note_success(self) -> None:
        if not self.health.ok:
            log.info("intake_resumes", after=self.health.error)
            self.health = Health()


def _cut(connection: Connection) -> None:
    """End the connection under a call that waits for an answer: it fails as if the server had.

    Cancelling the call instead would make psycopg wait for the server to confirm that.
    """
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)
