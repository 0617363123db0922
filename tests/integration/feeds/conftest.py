"""What several tests of the gateway start with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.integration.feeds.gateway_client import FakeSink, client_of


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
async def client(sink: FakeSink) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(sink, produce_timeout_s=0.2) as client:
        yield client
