"""A line in the log for each request to the gateway, as the API writes it."""

from __future__ import annotations

import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log: Final = structlog.get_logger(__name__)


class AccessLog:
    """Middleware: method, route, status and time; never a header, which may hold a key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=getattr(scope.get("route"), "path", "none"),
                status=status,
                took_ms=round((time.perf_counter() - started_s) * 1_000, 1),
                address=scope["client"][0] if scope["client"] else None,
            )
