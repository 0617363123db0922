"""What starts before the first request and ends after the last one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import FastAPI

from query_api.answers import AnswerCache
from query_api.auth.authenticate import Authenticator
from query_api.batches import Batches
from query_api.beat import BeatWatch
from query_api.config import ApiConfig
from query_api.context import Context
from query_api.database import Database
from query_api.feed import EventFeed
from query_api.ranking import Ranking

log: Final = structlog.get_logger()

PAUSE_S: Final = 1.0
"""Before what failed is tried again: a line a second in the log, not a thousand."""


def end_streams(app: FastAPI) -> None:
    """Event streams of a started `app` end now, each with a whole answer; new ones get a 503."""
    app.state.context.feed.end()


def lifespan_of(config: ApiConfig) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Opens in order, closes in reverse; starts without a database and waits for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(config.database)
        await database.open()
        watch = BeatWatch(database, poll_s=config.cache.beat_poll_s)
        feed = EventFeed(database, config.events)
        ranking = Ranking(database, watch, config.ranking)
        authenticator = Authenticator(
            config.access, database=database, cors_origins=config.http.cors_origins
        )
        app.state.context = Context(
            config=config,
            database=database,
            watch=watch,
            batches=Batches(queue_size=config.database.queue_size),
            answers=AnswerCache(watch, max_bytes=config.cache.max_bytes),
            authenticator=authenticator,
            limits=app.state.limits,
            feed=feed,
            ranking=ranking,
        )
        polling = [asyncio.create_task(kept_up(each.run)) for each in (watch, feed, ranking)]
        try:
            yield
        finally:
            for task in polling:
                task.cancel()
            await asyncio.gather(*polling, return_exceptions=True)
            await authenticator.close()
            await database.close()

    return lifespan


async def kept_up(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Begin `run` anew after whatever it did not expect: without it the API would go on with the
    figures of that moment, and nobody would notice."""
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - it is logged, and tried again
            log.error("poller_failed", poller=run.__qualname__, error=repr(error))
        await asyncio.sleep(PAUSE_S)
