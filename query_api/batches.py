"""Questions about single ids that come at the same time, put to the database as one.

A query costs this process 0.1 ms whatever it asks, a third of a small answer. While one is under
way, those who ask the same of other ids wait for it to end and then go together; who comes alone
waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from query_api.database import Row
from query_api.errors import UnavailableError

MOST_IDS: Final = 100
"""In one query, unless one request alone asks for more."""

Ask = Callable[[Sequence[UUID]], Awaitable[Sequence[Row]]]


@dataclass(frozen=True, slots=True)
class _Request:
    uids: tuple[UUID, ...]
    rows: asyncio.Future[Sequence[Row]]


class Batches:
    """One query at a time for each question. Owned by one event loop. Refuses work when too many
    requests wait for one question."""

    def __init__(self, *, queue_size: int) -> None:
        self._queue_size = queue_size
        self._waiting: dict[Hashable, list[_Request]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def rows(self, question: Hashable, uids: tuple[UUID, ...], ask: Ask) -> Sequence[Row]:
        """The rows of `ask` for these ids (each names its `uid`). `ask` may be called for the ids
        of others too: equal questions have to mean equal askers."""
        request = _Request(uids, asyncio.get_running_loop().create_future())
        waiting = self._waiting.get(question)
        if waiting is None:
            self._waiting[question] = [request]
            task = asyncio.create_task(self._run(question, ask))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(waiting) >= self._queue_size:
            raise UnavailableError("too many requests wait for the database")
        else:
            waiting.append(request)
        return await request.rows

    async def _run(self, question: Hashable, ask: Ask) -> None:
        waiting = self._waiting[question]
        batch: list[_Request] = []
        try:
            while waiting:
                batch = _next_batch(waiting)
                rows = await ask([*dict.fromkeys(uid for each in batch for uid in each.uids)])
                _hand_out(batch, rows)
        except Exception as error:  # noqa: BLE001 - it goes to those who asked
            # Those who wait as well: they would meet the same database, one after another.
            for request in (*batch, *waiting):
                if not request.rows.done():
                    request.rows.set_exception(error)
        finally:
            del self._waiting[question]


def _next_batch(waiting: list[_Request]) -> list[_Request]:
    """Take the first ones off, up to `MOST_IDS` ids and at least one request."""
    count = ids = 0
    for request in waiting:
        ids += len(request.uids)
        if count and ids > MOST_IDS:
            break
        count += 1
    batch = waiting[:count]
    del waiting[:count]
    return batch


def _hand_out(batch: Sequence[_Request], rows: Sequence[Row]) -> None:
    by_uid = {row["uid"]: row for row in rows}
    for request in batch:
        if not request.rows.done():
            request.rows.set_result([by_uid[uid] for uid in request.uids if uid in by_uid])
