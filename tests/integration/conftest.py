"""Fixtures that test files share: a connection, miners with events, intakes false and real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.integration.figures.fake_intake import FakeIntake
from tests.integration.intake.processes import Processes, led_processes, processes
from tests.integration.notify.seeded_events import SeededEvents, seeded_events


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
async def seeded(database_url: str) -> AsyncIterator[SeededEvents]:
    async with seeded_events(database_url) as found:
        yield found


@pytest.fixture
async def intake(connection: AsyncConnection[Any]) -> FakeIntake:
    intake = FakeIntake(connection)
    await intake.set_up()
    return intake


@pytest.fixture
def intakes(
    database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path
) -> Iterator[Processes]:
    """With a leader beside them, on a clock that runs fast."""
    with led_processes(database_url, kafka_bootstrap, topic, tmp_path) as started:
        yield started


@pytest.fixture
def bare_intakes(
    database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path
) -> Iterator[Processes]:
    """Without a leader."""
    with processes(database_url, kafka_bootstrap, topic, tmp_path) as started:
        yield started
