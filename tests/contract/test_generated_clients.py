"""Clients that generators make of the document compile, and read and write the real service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from query_api.config import AccessConfig
from tests.contract.clients.generators import CLIENTS, run
from tests.fixtures.postgres import EmbeddedPostgres, _database
from tests.integration.api.client import BASE, api_config
from tests.integration.api.data import seed_minutes, seed_tree
from tests.integration.api.server import running_api

pytestmark = pytest.mark.slow

KEY = "k" * 32


@dataclass(frozen=True)
class Service:
    """A running API, and what a round is about."""

    address: str
    donor: str
    recipient: str
    rig: str

    @property
    def arguments(self) -> list[str]:
        return [self.address, KEY, self.donor, self.recipient, self.rig]

    def read(self, path: str, **query: Any) -> Any:
        answer = httpx2.get(
            f"{self.address}{BASE}{path}", params=query, headers={"X-Headframe-API-Key": KEY}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def service(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Service]:
    databases = _database(postgres_server, template_database)
    url = next(databases)
    ids = asyncio.run(_seed(url))
    with running_api(api_config(url, access=AccessConfig(internal_api_key=KEY))) as address:
        yield Service(address, *ids)
    databases.close()


async def _seed(url: str) -> tuple[str, str, str]:
    connection = await asyncpg.connect(url)
    try:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        await connection.execute(
            "insert into payments (id, entity_id, type, direction, amount_sat, created_at,"
            " effective_at, hashrate, rate) values (gen_random_uuid(), $1, 'reward', 'incoming',"
            " 385, $2, $2, 178469469608370, 0.00000000000000000282)",
            tree.alpha.id,
            yesterday,
        )
        return str(tree.alpha.uid), str(tree.beta.uid), str(tree.alpha_workers[0].uid)
    finally:
        await connection.close()


@pytest.mark.parametrize("language", CLIENTS)
def test_a_generated_client_does_a_round(service: Service, tmp_path: Path, language: str) -> None:
    command = CLIENTS[language](tmp_path)
    said = json.loads(run([*command, *service.arguments], tmp_path).splitlines()[-1])
    chart = service.read("/workers/charts", period="PT1H", id=service.rig)
    points = chart["data"][service.rig]["points"]
    stats = service.read("/workers/stats", id=service.rig)
    workers = service.read(
        f"/miners/{service.donor}/workers",
        **{"limit": 2, "status": "stable", "sort-by": "worker_name"},
    )
    report = service.read(f"/miners/{service.donor}/workers/daily-report")
    assert len(points) == 12
    assert said == {
        "points": 12,
        "chart": points[-1]["hashrate"],
        "stats": stats[service.rig]["1h"]["hashrate"],
        "workers": [worker["name"] for worker in workers["data"]],
        "total": workers["pagination"]["total_count"],
        "report": len(report["data"]),
        "made": 5_000_000_000_000,
        "changed": True,
        "gone": 204,
        "payment": ["reward", "0.00000385"],
        "missing": [404, "no such miner"],
    }
