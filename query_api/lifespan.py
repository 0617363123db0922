"""What starts before the first request and ends after the last one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import FastAPI

from query_api.auth.authenticate import Authenticator
from query_api.auth.invitation_codes import InvitationCodes
from query_api.auth.kratos_admin import KratosAdmin
from query_api.config import ApiConfig
from query_api.database import Database
from query_api.dependencies import Context
from query_api.events.live import LiveEvents
from query_api.http.rate_limits import Slots
from query_api.store.people.invitations import Invitations
from query_api.telemetry.loader import Loader
from query_api.telemetry.query import Figures
from query_api.telemetry.response_cache import ResponseCache
from query_api.telemetry.version import VersionPoller
from query_api.worker_index.index import WorkerIndex
from schemas.sealing import Seal
from schemas.windows import MINUTES

log: Final = structlog.get_logger()

PAUSE_S: Final = 1.0
"""Before what failed is tried again: a line a second in the log, not a thousand."""


def end_streams(app: FastAPI) -> None:
    """Event streams of a started `app` end now, each with a whole answer; new ones get a 503."""
    app.state.context.live_events.end()


def lifespan_of(config: ApiConfig) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Opens in order, closes in reverse; starts without a database and waits for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(config.database)
        await database.open()
        version_poller = VersionPoller(database, poll_s=config.cache.version_poll_s)
        live_events = LiveEvents(database, config.events)
        worker_index = WorkerIndex(database, version_poller, config.worker_index)
        loader = Loader(database, queue_size=config.database.queue_size)
        kept_s = {
            MINUTES: config.charts.minutes_s,
            "15m": config.charts.quarters_s,
            "1h": config.charts.hours_s,
        }
        figures = Figures(database, loader, version_poller, kept_s)
        authenticator = Authenticator(
            config.access, database=database, cors_origins=config.http.cors_origins
        )
        kratos_admin = KratosAdmin(config.access.kratos)
        invitations = config.people.invitations
        app.state.context = Context(
            config=config,
            database=database,
            version_poller=version_poller,
            response_cache=ResponseCache(
                figures, max_bytes=config.cache.max_bytes, scopes_s=config.access.cache_s
            ),
            authenticator=authenticator,
            limits=app.state.limits,
            live_events=live_events,
            report_slots=Slots(
                in_all=config.reports.max_at_once, of_one=config.reports.max_per_caller
            ),
            worker_index=worker_index,
            kratos_admin=kratos_admin,
            invitations=Invitations(invitations, InvitationCodes.of(invitations.secret)),
            seal=Seal(config.sealing_keys),
        )
        pollers = (version_poller, live_events, worker_index)
        polling = [asyncio.create_task(kept_up(each.run)) for each in pollers]
        try:
            yield
        finally:
            for task in polling:
                task.cancel()
            await asyncio.gather(*polling, return_exceptions=True)
            await kratos_admin.close()
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
