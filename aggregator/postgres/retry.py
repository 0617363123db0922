"""Waiting for the database: an operation is tried again until it succeeds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from aggregator.postgres.connection import Connection
from aggregator.postgres.errors import PASSING

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryTimes:
    """Pauses between attempts, and how long a connected database may be silent."""

    first_s: float = 0.2
    longest_s: float = 5.0
    silence_s: float = 70.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the database answers; `error` says why not."""

    ok: bool = True
    error: str = ""


class DatabaseRetry:
    """Runs what needs the database until it succeeds. Logs once that it is away, once that it is
    back."""

    def __init__(self, pool: AsyncConnectionPool[Any], times: RetryTimes) -> None:
        self._pool = pool
        self._times = times
        self.health = Health()

    async def run(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """The result of `operation`, which must be safe to run again after a failure."""
        pause_s = self._times.first_s
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
            pause_s = min(2 * pause_s, self._times.longest_s)

    async def _bounded(self, connection: Connection, work: Awaitable[T]) -> T:
        """A database that is connected but does not answer counts as away."""
        silence_s = self._times.silence_s
        cut = asyncio.get_running_loop().call_later(silence_s, _cut, connection)
        try:
            answer = await work
            # If `work` left a transaction open: its commit is a wait for the server, too.
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

    If the call were cancelled instead, psycopg would wait for the server to confirm that.
    """
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)
