"""A typed client made from the document by openapi-python-client, used on the real service."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from query_api.config import AccessConfig
from query_api.openapi import FILE
from tests.integration.api_client import api_config
from tests.integration.api_data import seed_minutes, seed_tree
from tests.integration.api_server import running_api

USE = """
import sys
from hashgauge_client import AuthenticatedClient
from hashgauge_client.api.workers import workers_charts, workers_stats
from hashgauge_client.models import Period

client = AuthenticatedClient(
    base_url=sys.argv[1], token="k", prefix="", auth_header_name="X-Headframe-API-Key"
)
chart = workers_charts.sync(client=client, period=Period.PT1H, id=[sys.argv[2]])
points = chart.data.additional_properties[sys.argv[2]].points
stats = workers_stats.sync(client=client, id=[sys.argv[2]])
print(len(points), points[0].hashrate, stats.additional_properties[sys.argv[2]].field_1h.hashrate)
"""


async def seed(url):
    connection = await asyncpg.connect(url)
    try:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
        return str(tree.alpha_workers[0].uid)
    finally:
        await connection.close()


@pytest.mark.slow
def test_a_generated_client_reads_charts_and_stats(database_url, tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "project_name_override": "hashgauge-client",
                "package_name_override": "hashgauge_client",
                "post_hooks": [],
            }
        )
    )
    program = Path(sys.executable).with_name("openapi-python-client")
    made = subprocess.run(
        [program, "generate", "--path", FILE, "--config", settings, "--meta", "none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "Unable to parse" not in made.stdout + made.stderr, made.stdout
    uid = asyncio.run(seed(database_url))
    config = api_config(database_url, access=AccessConfig(internal_api_key="k"))
    with running_api(config) as address:
        used = subprocess.run(
            [sys.executable, "-c", USE, address, uid], cwd=tmp_path, capture_output=True, text=True
        )
    assert used.returncode == 0, used.stderr
    count, first, stat = used.stdout.split()
    assert count == "12"
    assert first.endswith((".00",)) or "." in first
    assert float(stat) > 0
