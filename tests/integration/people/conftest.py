"""The API on a fresh database, with a real Ory Kratos."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.kratos import People
from tests.integration.api.client import api_client, connected
from tests.integration.api.data import seed_tree
from tests.integration.people.pool import Pool, people_config


@pytest.fixture
async def pool(database_url: str, people: People) -> AsyncIterator[Pool]:
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        async with api_client(people_config(database_url, people)) as client:
            yield Pool(client, connection, tree, people)
