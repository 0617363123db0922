"""A client that calls the API in this process, over ASGI, with its lifespan running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import httpx2

from query_api.app import create_app
from query_api.config import AccessConfig, ApiConfig, CacheConfig, DatabaseConfig, RateLimitConfig

BASE = "/api/backend/v0.1"
OPEN = AccessConfig(required=False)
UNLIMITED = RateLimitConfig(0, 0, 0, 0)


def api_config(url: str, *, access: AccessConfig = OPEN) -> ApiConfig:
    """Quick to notice a beat, without limits of rate."""
    return ApiConfig(
        DatabaseConfig(url, pool_size=5),
        access=access,
        limits=UNLIMITED,
        cache=CacheConfig(beat_poll_s=0.02),
    )


@asynccontextmanager
async def api_client(config: ApiConfig) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(config)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def with_database(config: ApiConfig, **changes: object) -> ApiConfig:
    return replace(config, database=replace(config.database, **changes))
