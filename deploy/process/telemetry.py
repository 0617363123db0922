"""What a process tells of itself: log events, metrics, and whether it lives and is ready."""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import metadata
from time import monotonic
from typing import Any, Final

import orjson
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from deploy.settings.database_address import PINS_IN_AN_ADDRESS
from deploy.settings.settings import Settings

log: Final = structlog.get_logger(__name__)

Check = Callable[[], str | None]
"""Answers why the process is not ready, or None."""

_SECRET: Final = re.compile(r"password|passwd|secret|token|api_key|authorization|cookie", re.I)
_CREDENTIALS: Final = re.compile(r"(\w+://[^:/@\s]*:)[^@/\s]+(?=@)|([?&]\w*password=)[^&\s]+")
_HIDDEN: Final = "***"
_VERSION: Final = metadata.version("hashgauge")
# One line a request of a scrape every 15 s, one a poll: noise at every level that people use.
_QUIET: Final = ("aiokafka", "asyncio", "uvicorn", "httpx2", "httpcore")
# It warns of each connection that is closed on purpose; who waits for the database says so itself.
_QUIETER: Final = ("psycopg.pool",)
# While a broker is away its client says so 30 times a second, the API of its database twice and
# at each request: a night of it would be a gigabyte.
_REPEATING: Final = ("aiokafka", "query_api.database")
_REPEAT_S: Final = 10.0

Event = MutableMapping[str, Any]


def configure_logging(settings: Settings) -> None:
    """structlog and the standard library's loggers, both to standard error in one format."""
    for_people = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer()]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    handler.addFilter(SeldomTheSame(_REPEATING, every_s=_REPEAT_S))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _QUIETER:
        logging.getLogger(name).setLevel(logging.ERROR)


class SeldomTheSame(logging.Filter):
    """Lets the named loggers say the same once in `every_s`; the same is the message without what
    is filled in, so that what is remembered stays small."""

    def __init__(
        self, loggers: tuple[str, ...], *, every_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__()
        self._loggers = loggers
        self._every_s = every_s
        self._clock = clock
        self._due_s: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._loggers):
            return True
        # structlog hands its event over as a mapping.
        message: Any = record.msg
        same = record.name, str(message["event"] if isinstance(message, Mapping) else message)
        now_s = self._clock()
        if now_s < self._due_s.get(same, now_s):
            return False
        self._due_s[same] = now_s + self._every_s
        return True


def hide_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """No secret reaches a log: neither under a telling key nor inside an address."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = _HIDDEN
        elif isinstance(value, str) and "://" in value:
            event[key] = without_credentials(value)
    return event


def without_credentials(text: str) -> str:
    """Addresses in `text` without their passwords, and without the session settings that we add.

    >>> without_credentials("postgresql://me:s3cret@db/x")
    'postgresql://me:***@db/x'
    >>> without_credentials("postgresql://db/x?password=s3cret&user=me")
    'postgresql://db/x?password=***&user=me'
    """
    return _CREDENTIALS.sub(rf"\1\2{_HIDDEN}", PINS_IN_AN_ADDRESS.sub("", text))


def monitor_app(checks: Mapping[str, Check]) -> Callable[..., Awaitable[None]]:
    """ASGI app: `/healthz` (lives), `/readyz` (each check, 503 while one fails), `/metrics`."""

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = _answer(scope["path"], checks)
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def _answer(path: str, checks: Mapping[str, Check]) -> tuple[int, bytes, bytes]:
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST.encode(), generate_latest(REGISTRY)
    if path == "/healthz":
        return 200, b"application/json", b'{"status":"ok"}'
    if path == "/readyz":
        problems = {name: problem for name, check in checks.items() if (problem := check())}
        body = orjson.dumps({"status": "not ready" if problems else "ready", "problems": problems})
        return (503 if problems else 200), b"application/json", body
    return 404, b"application/json", b'{"error":{"code":"not_found","message":"no such page"}}'


class QuietServer(uvicorn.Server):
    """uvicorn inside a process that handles signals itself, with one line when it listens."""

    def __init__(self, config: uvicorn.Config, *, serves: str) -> None:
        super().__init__(config)
        self._serves = serves

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            port = sockets[0].getsockname()[1] if sockets else self.config.port
            address = f"http://{host}:{port}"
            log.info("listening", serves=self._serves, address=address, version=_VERSION)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _dumps(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
