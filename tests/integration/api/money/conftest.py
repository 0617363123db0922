"""A pool with an operator and two miners, called as the pool's own service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx2
import pytest

from query_api.config import ApiConfig, MoneyConfig
from schemas.addresses.bitcoin import BitcoinNetwork
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import Tree, seed_tree


@dataclass(frozen=True, slots=True)
class MoneyApi:
    """Requests by path, with the ids of the seeded tree."""

    client: httpx2.AsyncClient
    connection: asyncpg.Connection
    tree: Tree

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        names = {
            name: getattr(self.tree, name).uid for name in ("pool", "operator", "alpha", "beta")
        }
        return await self.client.request(method, BASE + path.format(**names), **options)

    async def get(self, path: str, **options: Any) -> Any:
        """The body of a success."""
        answer = await self.call("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, json: Any) -> tuple[int, str]:
        """Status and message of an error."""
        answer = await self.call(method, path, json=json)
        return answer.status_code, answer.json()["error"]["message"]


def money_config(url: str) -> ApiConfig:
    return replace(api_config(url), money=MoneyConfig(network=BitcoinNetwork.REGTEST))


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[MoneyApi]:
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        async with api_client(money_config(database_url)) as client:
            yield MoneyApi(client, connection, tree)
