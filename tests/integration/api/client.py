"""A client that calls the API in this process, over ASGI, with its lifespan running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import httpx2

from deploy.database.roles import API
from query_api.app import create_app
from query_api.config import AccessConfig, ApiConfig, CacheConfig, DatabaseConfig, RateLimitConfig
from tests.fixtures.postgres import under

BASE = "/api/backend/v0.1"
OPEN = AccessConfig(required=False)
UNLIMITED = RateLimitConfig(0, 0, 0, 0, 0)


def api_config(url: str, *, access: AccessConfig = OPEN) -> ApiConfig:
    """Under the role of the API, quick to notice a cycle, without limits of rate."""
    return ApiConfig(
        DatabaseConfig(under(API, url), pool_size=5),
        access=access,
        limits=UNLIMITED,
        cache=CacheConfig(version_poll_s=0.02),
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


async def read_all(client, url, **query):
    """Every item of a list, page by page."""
    items, total = [], 1
    while len(items) < total:
        page = await client.get(url, params=query | {"limit": 7, "offset": len(items)})
        assert page.status_code == 200, page.text
        body = page.json()
        total = body["pagination"]["total_count"]
        assert body["data"] or not total
        items += body["data"]
    return items
