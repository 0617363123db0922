"""The outermost layer: request ids, limits of size and time, security headers, metrics, the 500."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.config import HttpConfig
from query_api.errors import (
    ApiError,
    InvalidInputError,
    MethodNotAllowedError,
    UnavailableError,
    error_body,
)
from query_api.limits import RateLimits
from query_api.methods import Methods
from schemas import metrics

log: Final = structlog.get_logger()

DEADLINE: Final = "hashgauge.deadline"

UNLIMITED_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

# The API serves JSON and its own pages; nothing of it belongs into another site's frame.
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_BARE_CACHE: Final = (b"cache-control", b"no-store")


class Edge:
    """ASGI middleware; nothing gets past it without an envelope and a request id."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        config: HttpConfig,
        limits: RateLimits,
        methods: Callable[[], Methods],
    ) -> None:
        self._app = app
        self._methods = methods
        self._limits = limits
        self._config = config
        self._seconds = metrics.histogram("http_request_seconds")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        started_s = time.perf_counter()
        try:
            self._check(scope)
            async with asyncio.timeout(self._config.request_timeout_s) as deadline:
                scope[DEADLINE] = deadline
                await self._app(scope, self._bounded(scope, receive), exchange.send)
        except TimeoutError:
            await exchange.fail(UnavailableError("the answer took too long"))
        except ApiError as error:
            await exchange.fail(error)
        except Exception as error:  # noqa: BLE001 - the last resort: log it, tell nobody
            exchange.log_failure(error)
            await exchange.fail(ApiError("something went wrong here; the log has it"))
        finally:
            self._count(scope, exchange.status, time.perf_counter() - started_s)

    def _check(self, scope: Scope) -> None:
        target = len(scope["raw_path"] or b"") + len(scope["query_string"])
        if target > self._config.max_target_bytes:
            limit = self._config.max_target_bytes
            raise InvalidInputError(f"the address is longer than {limit} bytes")
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self._config.max_body_bytes:
            raise InvalidInputError(f"the body is longer than {self._config.max_body_bytes} bytes")
        if self._config.allowed_hosts:
            host = _header(scope, b"host").decode("latin-1").rsplit(":", 1)[0]
            if host not in self._config.allowed_hosts:
                raise InvalidInputError("Host: not served here")
        methods = self._methods()
        if methods.lacks(scope["path"], scope["method"]):
            raise MethodNotAllowedError(scope["method"], allow=methods.allow(scope["path"]))
        # A probe that is told "too often" would take the process out of service.
        if scope["path"] not in UNLIMITED_PATHS:
            client = scope["client"]
            self._limits.count_address(client[0] if client else "unknown")

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        if scope["method"] in ("GET", "HEAD"):
            return receive
        limit, taken = self._config.max_body_bytes, 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise InvalidInputError(f"the body is longer than {limit} bytes")
            return message

        return bounded

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "none")
        self._seconds.labels(path, f"{status // 100}xx").observe(seconds)


class _Exchange:
    """One request's way out: adds headers, knows whether the answer has begun."""

    def __init__(self, scope: Scope, send: Send) -> None:
        offered = _header(scope, b"x-request-id")
        self.request_id = offered if _SANE_ID.fullmatch(offered) else uuid4().hex.encode()
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = message["headers"]
            headers.append((b"x-request-id", self.request_id))
            headers.extend(SECURITY_HEADERS)
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(_BARE_CACHE)
        await self._send(message)

    def log_failure(self, error: Exception) -> None:
        # As text: a renderer that shows local variables would show credentials.
        trace = "".join(traceback.format_exception(error))
        log.error("request_failed", request_id=self.request_id.decode(), traceback=trace)

    async def fail(self, error: ApiError) -> None:
        """The envelope; an answer that has begun is cut off instead, which the client notices."""
        if self.status:
            raise ConnectionAbortedError("the answer broke off") from error
        body = error_body(error.status, error.message)
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        headers += [(k.lower().encode(), v.encode()) for k, v in error.headers.items()]
        start: dict[str, Any] = {"status": error.status, "headers": headers}
        await self.send({"type": "http.response.start", **start})
        await self._send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def no_deadline(scope: Scope) -> None:
    """For answers that stream: their length is not the database's fault."""
    deadline: asyncio.Timeout = scope[DEADLINE]
    deadline.reschedule(None)
