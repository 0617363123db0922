"""Traces reach a collector, and are one clear line where the libraries are missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2
import pytest
from fastapi import FastAPI

from deploy.process.tracing import trace_requests, trace_work
from deploy.settings.overrides import SettingsError
from schemas.runtime.tracing import span, trace_with


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Address of something that takes traces, and what it took."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
        server.shutdown()
        thread.join()


async def test_a_request_is_one_span(
    collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    endpoint, taken = collector
    app = FastAPI()

    @app.get("/miners/{miner_id}")
    async def miner(miner_id: str) -> str:
        return miner_id

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    provider = trace_requests(app, endpoint)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://pool"
    ) as client:
        assert (await client.get("/miners/7")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
    assert provider.force_flush()
    provider.shutdown()
    sent = b"".join(taken)
    assert b"hashgauge-api" in sent
    assert b"GET /miners/{miner_id}" in sent
    assert b"healthz" not in sent
    assert b"http send" not in sent


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"pip install 'hashgauge\[traces\]'"):
        trace_requests(FastAPI(), "http://127.0.0.1:1")


def test_work_goes_to_the_collector(
    collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    endpoint, taken = collector
    provider = trace_work(endpoint)
    try:
        with span("flush", shares=7):
            pass
    finally:
        trace_with(None)
    assert provider.force_flush()
    provider.shutdown()
    sent = b"".join(taken)
    assert b"hashgauge-aggregator" in sent
    assert b"flush" in sent
