"""One service a test: a database and a topic of its own on the session's servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.processes import Service


@pytest.fixture
def service(database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path) -> Service:
    return Service(database_url, kafka_bootstrap, topic, tmp_path)
