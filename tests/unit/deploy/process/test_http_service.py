"""A process that serves HTTP says where, answers HEAD, and can log each request."""

from __future__ import annotations

import asyncio
import socket
from importlib import metadata
from typing import Any

import httpx2
import pytest
import structlog
from starlette.types import ASGIApp

from deploy.process.bounded_http import http_config
from deploy.process.runtime import http_service
from deploy.process.telemetry import monitor_app
from ingest.gateway.app import create_gateway
from ingest.gateway.config import GatewayConfig
from ingest.kafka.producer import ShareMessage


class NoSink:
    async def partitions(self) -> int:
        return 1

    async def send(self, message: ShareMessage) -> None:
        raise AssertionError(message)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


async def asked(
    app: ASGIApp | Any, *requests: tuple[str, str]
) -> tuple[list[httpx2.Response], str]:
    """Answers of a served app, and the address it was served at."""
    port, stop = free_port(), asyncio.Event()
    config = http_config(app, host="127.0.0.1", port=port, lifespan="off")
    service = asyncio.create_task(http_service(config, serves="test", port_from="--port")(stop))
    transport = httpx2.AsyncHTTPTransport(retries=5)
    address = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=address, transport=transport) as client:
        answers = [await client.request(method, path) for method, path in requests]
    stop.set()
    await service
    return answers, address


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("kind", ["monitor", "gateway"])
async def test_probes_answer_head_as_get_without_the_body(kind: str, path: str) -> None:
    app = (
        monitor_app({})
        if kind == "monitor"
        else create_gateway(GatewayConfig(), NoSink(), lambda _key: True)
    )
    with structlog.testing.capture_logs():
        (head, got), _ = await asked(app, ("HEAD", path), ("GET", path))
    assert (head.status_code, got.status_code) == (200, 200)
    assert head.content == b""
    assert got.content


async def test_the_first_line_has_version_and_address() -> None:
    with structlog.testing.capture_logs() as events:
        _, address = await asked(monitor_app({}), ("GET", "/healthz"))
    assert {
        "event": "listening",
        "serves": "test",
        "address": address,
        "version": metadata.version("hashgauge"),
        "log_level": "info",
    } in events


async def test_the_gateway_logs_requests_if_asked_and_no_header() -> None:
    for access_log in (False, True):
        app = create_gateway(GatewayConfig(access_log=access_log), NoSink(), lambda _key: False)
        with structlog.testing.capture_logs() as events:
            await asked(app, ("POST", "/shares"), ("GET", "/nowhere"))
        requests = [event for event in events if event["event"] == "request"]
        assert [(each["method"], each["route"], each["status"]) for each in requests] == (
            [("POST", "/shares", 401), ("GET", "none", 404)] if access_log else []
        )
