"""A process that settles and is killed before its n-th statement; none: it lives to the end.

The processes are forks of one server that has imported everything, so a life takes no second.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from datetime import datetime
from typing import Any

import psycopg

from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.integration.settlement.settled_pool import SettledPool

_FORKS = multiprocessing.get_context("forkserver")


class FusedCursor(psycopg.AsyncCursor[Any]):
    """Counts statements, each COPY among them; a commit lies between two of them."""

    left = 0

    async def execute(self, *arguments: Any, **options: Any) -> Any:
        self._step()
        return await super().execute(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self._step()
        return super().copy(*arguments, **options)

    @classmethod
    def _step(cls) -> None:
        cls.left -= 1
        if cls.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_before(statement: int, url: str, pool: int, now: datetime) -> bool:
    """Settle what is due at `now` in a process; False if it ended before that statement."""
    _FORKS.set_forkserver_preload([__name__])
    process = _FORKS.Process(target=_settle, args=(statement, under(AGGREGATOR, url), pool, now))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _settle(statements: int, url: str, pool: int, now: datetime) -> None:
    asyncio.run(_live(statements, url, pool, now))


async def _live(statements: int, url: str, pool: int, now: datetime) -> None:
    FusedCursor.left = statements
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, cursor_factory=FusedCursor
    ) as connection:
        await SettledPool(connection, pool=pool).settle(now=now)
