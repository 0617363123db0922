"""Runs services side by side until a signal or the first failure, then stops them in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog
import uvicorn

from deploy.process.bounded_http import http_config
from deploy.process.listening import listen
from deploy.process.telemetry import Check, QuietServer, monitor_app
from deploy.settings.settings import Settings

log = structlog.get_logger(__name__)

Service = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set or something fatal happens."""

# A last flush at a slow database, and the requests in hand; then the rest is cancelled, which
# loses nothing: what was not committed is read again.
STOP_TIMEOUT_S: Final = 15.0
# A client whose broker is gone may not even let itself be cancelled: the process then just ends.
_CANCEL_S: Final = 3.0


def run(services: Mapping[str, Service]) -> None:
    """Run them on an event loop of their own; raises the first failure of any of them."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(services))
    else:
        uvloop.run(_run(services))


async def _run(services: Mapping[str, Service]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(_run_one(service, stop), name=n) for n, service in services.items()
    ]
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    failed = [task for task in tasks if task.done()]
    stop.set()
    _, stuck = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
    for task in stuck:
        log.warning("service_cancelled", service=task.get_name(), after_s=STOP_TIMEOUT_S)
        task.cancel()
    if stuck and (await asyncio.wait(stuck, timeout=_CANCEL_S))[1]:
        log.error("process_abandoned", after_s=STOP_TIMEOUT_S + _CANCEL_S)
        os._exit(1)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    _raise_first([task.exception() for task in failed], results)


async def _run_one(service: Service, stop: asyncio.Event) -> None:
    await service(stop)


def _raise_first(
    failures: Sequence[BaseException | None], results: Sequence[BaseException | None]
) -> None:
    """What ended the run explains it; what others said while stopping comes after."""
    for failure in (*failures, *results):
        if failure is not None and not isinstance(failure, asyncio.CancelledError):
            raise failure


def http_service(
    config: uvicorn.Config,
    *,
    serves: str,
    port_from: str,
    before_end: Callable[[], None] | None = None,
) -> Service:
    """uvicorn as a service: `stop` lets the requests in hand end; `before_end` ends those that have
    no end of their own. `serves` is what the log calls it, `port_from` what a person sets the port
    with."""

    async def serve(stop: asyncio.Event) -> None:
        server = QuietServer(config, serves=serves)
        # Bound here: uvicorn itself would end the process without a word of ours.
        with listen(config.host, config.port, port_from=port_from) as listener:
            await _serve(server, listener, stop, before_end)

    return serve


async def _serve(
    server: uvicorn.Server,
    listener: socket.socket,
    stop: asyncio.Event,
    before_end: Callable[[], None] | None,
) -> None:
    serving = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if before_end is not None and server.started:
        before_end()
    server.should_exit = True
    await serving


def monitor_service(
    settings: Settings, checks: Mapping[str, Check], *, port_from: str = "HASHGAUGE_MONITOR_PORT"
) -> Service:
    """`/metrics`, `/healthz` and `/readyz` on a port that the public does not reach."""
    return http_service(
        http_config(
            monitor_app(checks),
            host=settings.monitor_host,
            port=settings.monitor_port,
            lifespan="off",
        ),
        serves="monitor",
        port_from=port_from,
    )
