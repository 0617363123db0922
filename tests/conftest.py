"""What every test can ask for, and the tier that a test belongs to by what it asks for."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.fixtures.kafka import kafka, kafka_bootstrap, kafka_server, topic
from tests.fixtures.postgres import (
    database_url,
    empty_database_url,
    postgres_server,
    template_database,
)
from tests.timescale.fixture import (
    another_timescale_url,
    empty_timescale_url,
    timescale_server,
    timescale_url,
)

__all__ = [
    "another_timescale_url",
    "database_url",
    "empty_database_url",
    "empty_timescale_url",
    "kafka",
    "kafka_bootstrap",
    "kafka_server",
    "postgres_server",
    "template_database",
    "timescale_server",
    "timescale_url",
    "topic",
]

# At a desk every run searches anew; what lands is judged by its change, not by luck.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

TIER_OF_FIXTURE = {
    "postgres_server": pytest.mark.postgres,
    "kafka_bootstrap": pytest.mark.kafka,
    "kafka_server": pytest.mark.kafka,
    "timescale_server": pytest.mark.timescale,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a server belongs to that server's tier; nobody has to say it again."""
    for item in items:
        for fixture, mark in TIER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
