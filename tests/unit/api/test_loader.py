"""Questions that come together are put as one; each gets its own rows, or the error."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from query_api.http.errors import UnavailableError
from query_api.telemetry.loader import Loader


class Database:
    """Answers when its gate opens; knows even ids only."""

    def __init__(self):
        self.asked = []
        self.gate = asyncio.Event()
        self.error = None

    async def fetch(self, statement, uids):
        self.asked.append([uid.int for uid in uids])
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [{"uid": uid} for uid in uids if uid.int % 2 == 0]


def ids(*numbers):
    return tuple(UUID(int=number) for number in numbers)


async def ask(loader, *requests, question="stats"):
    """The requests under way, the first of them alone with the database."""
    tasks = []
    for numbers in requests:
        tasks.append(asyncio.create_task(loader.fetch(question, ids(*numbers))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return tasks


async def test_those_who_come_meanwhile_go_together():
    database = Database()
    loader = Loader(database, queue_size=10)
    tasks = await ask(loader, [2], [4, 1], [6, 4])
    other = await ask(loader, [2], question="chart")
    assert database.asked == [[2], [2]]
    database.gate.set()
    got = [[row["uid"].int for row in rows] for rows in await asyncio.gather(*tasks, *other)]
    assert got == [[2], [4], [6, 4], [2]]
    assert database.asked == [[2], [2], [4, 1, 6]]


async def test_a_query_stays_small_but_for_one_request_that_is_not():
    database = Database()
    loader = Loader(database, queue_size=10)
    tasks = await ask(loader, [2], range(60), range(60, 120), range(150))
    database.gate.set()
    rows = await asyncio.gather(*tasks)
    assert [len(uids) for uids in database.asked] == [1, 60, 60, 150]
    assert [len(part) for part in rows] == [1, 30, 30, 75]


async def test_an_error_reaches_all_who_wait_and_none_after():
    database = Database()
    loader = Loader(database, queue_size=10)
    database.error = UnavailableError("away")
    tasks = await ask(loader, [2], [4])
    database.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results == [database.error, database.error]
    database.error = None
    (later,) = await ask(loader, [8])
    assert [row["uid"].int for row in await later] == [8]
    assert database.asked == [[2], [8]]


async def test_too_many_are_turned_away_and_who_hangs_up_harms_nobody():
    database = Database()
    loader = Loader(database, queue_size=2)
    first, gone, last = await ask(loader, [2], [4], [6])
    with pytest.raises(UnavailableError):
        await loader.fetch("stats", ids(8))
    gone.cancel()
    database.gate.set()
    assert [len(rows) for rows in await asyncio.gather(first, last)] == [1, 1]
