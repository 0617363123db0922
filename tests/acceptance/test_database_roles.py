"""Roles made as the README says; then every process runs a day of a pool under its own.

What they may not do is in `tests/integration/deploy/test_database_roles.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from deploy.database.roles import OWNER, PROCESSES
from deploy.local.postgres import EmbeddedPostgres
from tests.acceptance.processes import BASE, Service, wait_until
from tests.fixtures.postgres import under

pytestmark = pytest.mark.slow

# A whole day that is due to be settled, whenever this runs, and an hour of silence after it.
DAY: Final = datetime.now(UTC).date() - timedelta(days=2)
SPAN_S: Final = 90_000
REFUSED: Final = "permission denied"


@pytest.fixture
def service(empty_database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path) -> Service:
    made = Service(empty_database_url, kafka_bootstrap, topic, tmp_path)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for role in (OWNER, *PROCESSES):
        file = secrets / f"database_url_{role.removeprefix('hashgauge_')}"
        file.write_text(under(role, empty_database_url))
    made.run("database-roles", str(secrets))
    said = made.run("migrate")
    assert all(f"rights of {role}" in said for role in PROCESSES), said
    return made


def test_a_day_of_every_process_under_its_own_role(
    service: Service, postgres_server: EmbeddedPostgres
) -> None:
    log = postgres_server.log_path
    before = log.read_text(errors="replace").count(REFUSED)
    settling = {
        "HASHGAUGE_CHAIN__SIMULATED": "true",
        "HASHGAUGE_SETTLEMENT__FIRST_DAY": DAY.isoformat(),
        "HASHGAUGE_SETTLEMENT__POLL_S": "0.5",
    }
    with (
        service.running("aggregate", "--role", "intake"),
        service.running("aggregate", "--role", "figures", **settling) as figures,
        service.running("notify"),
        service.api() as client,
    ):
        service.run(
            *("simulate", "--workers", "6", "--start", f"{DAY}T00:00:00Z", "--speed", "max"),
            *("--duration", str(SPAN_S), "--final"),
            timeout_s=240,
        )
        for what, statement in BROUGHT_ABOUT.items():
            wait_until(lambda of=statement: bool(service.value(of)), what, figures.check)  # type: ignore[misc]
        _reads_and_writes(service, client)
    # Some failures are retried, some swallowed: the server has seen them all.
    refused = [line for line in log.read_text(errors="replace").splitlines() if REFUSED in line]
    assert refused[before:] == []


BROUGHT_ABOUT: Final = {
    "minutes are merged": "select count(*) from worker_minutes",
    "and nothing else waits": "select count(*) = 0 from flushed_minutes",
    "figures": "select count(*) from worker_figures",
    "rollups": "select count(*) from worker_1h",
    "blocks are followed": "select count(*) from chain_blocks",
    "the day is settled": "select count(*) from settlements where state = 'booked'",
    "payments": "select count(*) from payments",
    "events are numbered": "select count(*) from events where sequence is not null",
}


def _reads_and_writes(service: Service, client: httpx2.Client) -> None:
    pool, miner = service.query(
        "select pools.uid, miners.uid from miners join pools on pools.id = pool_id limit 1"
    )[0]
    for path in (
        f"/pools/{pool}/stats",
        f"/pools/{pool}/workers",
        f"/pools/{pool}/miners",
        f"/pools/{pool}/payments",
        f"/pools/{pool}/payments/csv",
        f"/miners/stats?id={miner}",
        f"/miners/charts?period=PT1H&id={miner}",
        f"/miners/{miner}/payments",
        f"/miners/{miner}/webhooks",
    ):
        assert _call(client, "GET", path).content, path
    _call(client, "POST", f"/miners/{miner}/webhooks", {"url": "https://example.com/hook"})
    _call(client, "POST", f"/miners/{miner}/watchers", {})


def _call(client: httpx2.Client, method: str, path: str, body: Any = None) -> httpx2.Response:
    answer = client.request(method, BASE + path, json=body)
    assert answer.status_code == 200, (path, answer.text)
    return answer
