"""A pool to settle."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.integration.settlement.settled_pool import SettledPool


@pytest.fixture
async def pool(connection: AsyncConnection[Any]) -> SettledPool:
    pool = SettledPool(connection)
    await pool.set_up()
    return pool
