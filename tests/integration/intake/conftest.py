"""What several tests of intake start with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg_pool import AsyncConnectionPool

from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.integration.intake.flushing import Flushing


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Flushing]:
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=3, open=False) as pool:
        yield Flushing(pool)
