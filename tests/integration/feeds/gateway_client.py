"""A client of the gateway, and a sink that keeps, drops or holds messages."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from ingest.errors import RetryableError
from ingest.gateway.app import create_gateway
from ingest.gateway.config import GatewayConfig
from ingest.gateway.idempotency import authenticate_by_hash, key_hash
from ingest.kafka.producer import ShareMessage
from schemas import topics
from schemas.batch import shares_of
from schemas.runtime.clock import ManualClock
from schemas.share import Share, ShareResult
from tests.unit.ingest.bad_messages import NOW_MS

KEY = "a-long-secret"
JSON = {"Content-Type": topics.JSON}
BAD = Share(NOW_MS, "harbor", "broken", -1.0, ShareResult.ACCEPTED, "eu-1")


class FakeSink:
    """Keeps what it is sent; fails or waits when told to."""

    def __init__(self) -> None:
        self.messages: list[ShareMessage] = []
        self.failures_left = 0
        self.partition_count = 4
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.waiting = asyncio.Event()

    async def partitions(self) -> int:
        if self.partition_count == 0:
            raise RetryableError("no broker")
        return self.partition_count

    async def send(self, message: ShareMessage) -> None:
        self.waiting.set()
        await self.go_on.wait()
        if self.failures_left:
            self.failures_left -= 1
            raise RetryableError("not acknowledged")
        self.messages.append(message)

    def shares(self) -> list[Share]:
        return [share for message in self.messages for share in shares_of(message.batch)]


def client_of(sink: FakeSink, **config: Any) -> httpx2.AsyncClient:
    app = create_gateway(
        GatewayConfig(**config), sink, authenticate_by_hash([key_hash(KEY)]), ManualClock(NOW_MS)
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"X-Headframe-API-Key": KEY}
    return httpx2.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)


async def post(client: httpx2.AsyncClient, body: bytes, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/shares", content=body, headers={**JSON, **named})


def envelope(response: httpx2.Response) -> tuple[int, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    return response.status_code, error["code"]
