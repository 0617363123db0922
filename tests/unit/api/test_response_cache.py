"""Equal questions that arrive together load once, whoever of them hangs up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from query_api.auth.caller import Scope
from query_api.http.errors import UnavailableError
from query_api.store.telemetry import Subject
from query_api.telemetry.fragments import Fragment, Fragments
from query_api.telemetry.response_cache import ResponseCache
from query_api.telemetry.version import FiguresVersion

UID = UUID(int=1)
VERSION = FiguresVersion(1, datetime.now(UTC), datetime.now(UTC), 60)


@dataclass
class Slow:
    """A question whose answer comes when `ready` is set."""

    fails: bool = False
    loads: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    subject: Subject = Subject.WORKER
    uids: tuple[UUID, ...] = (UID,)
    __hash__ = object.__hash__

    async def load(self, figures: Any) -> Fragments:
        self.loads += 1
        await self.ready.wait()
        if self.fails:
            raise UnavailableError("away")
        return Fragments(VERSION, self.uids, {UID: Fragment((Scope(1),), b"{}")})


def _cache() -> ResponseCache:
    figures: Any = SimpleNamespace(version_poller=SimpleNamespace(known=VERSION))
    return ResponseCache(figures, max_bytes=10_000, scopes_s=60)


async def _asking(cache: ResponseCache, query: Slow, callers: int) -> list[asyncio.Task[Fragments]]:
    tasks = [asyncio.create_task(cache.get(query)) for _ in range(callers)]
    await asyncio.sleep(0)
    return tasks


async def test_callers_together_load_once() -> None:
    cache, query = _cache(), Slow()
    tasks = await _asking(cache, query, 3)
    query.ready.set()
    answers = await asyncio.gather(*tasks)
    assert all(answer is answers[0] for answer in answers)
    assert await cache.get(query) is answers[0]
    assert query.loads == 1


@pytest.mark.parametrize(("gone", "loads"), [(0, 2), (1, 1)])
async def test_who_hangs_up_harms_nobody(gone: int, loads: int) -> None:
    cache, query = _cache(), Slow()
    tasks = await _asking(cache, query, 3)
    tasks[gone].cancel()
    await asyncio.sleep(0.01)
    query.ready.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[gone], asyncio.CancelledError)
    assert sum(isinstance(result, Fragments) for result in results) == 2
    assert query.loads == loads


async def test_all_learn_what_went_wrong_and_the_next_tries_anew() -> None:
    cache, query = _cache(), Slow(fails=True)
    tasks = await _asking(cache, query, 3)
    query.ready.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [UnavailableError] * 3
    query.fails = False
    assert (await cache.get(query)).by_uid
    assert query.loads == 2
