"""The OpenAPI document against the real service: schemathesis, every operation, every check."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from query_api.app import create_app
from query_api.config import AccessConfig, ApiConfig, HttpConfig
from query_api.contract.openapi import text_of
from query_api.write_openapi import FILE
from tests.integration.api.client import BASE, api_config, with_database
from tests.integration.api.data import Tree, seed_minutes, seed_tree
from tests.integration.api.money.route_table import MONEY_ROUTES
from tests.integration.api.route_table import PROBES, ROUTES
from tests.integration.api.server import running_api

KEY = "contract-test-key"
USER = "7f2c1a52-3f7b-4d0e-9d0b-2f6a55f0c9aa"


async def seed(url: str) -> Tree:
    connection = await asyncpg.connect(url)
    try:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1)
        await connection.execute("insert into users (uid) values ($1)", USER)
        return tree
    finally:
        await connection.close()


def configuration(tree: Tree, folder: Path) -> Path:
    """The key, and ids that exist, so that requests get past 404."""
    file = folder / "schemathesis.toml"
    file.write_text(
        f"""
[auth.openapi.internal_api_key]
api_key = "{KEY}"

[generation]
with-security-parameters = false

[parameters]
"path.pool_id" = "{tree.pool.uid}"
"path.operator_id" = "{tree.operator.uid}"
"path.miner_id" = "{tree.alpha.uid}"
"path.miner_donor_id" = "{tree.alpha.uid}"
"path.user_id" = "{USER}"

# That `from` must not be after `to`, nor 92 days before it, is more than a schema can say.
[[operations]]
include-operation-id = ["workers_daily_report", "donor_daily_report"]
checks.positive_data_acceptance.expected-statuses = [200, 400]

# Which hosts are public, and which are names at all.
[[operations]]
include-operation-id = ["create_webhook", "change_webhook"]
checks.positive_data_acceptance.expected-statuses = [200, 201, 400, 404, 409]

# The same, for a worker that may not exist.
[[operations]]
include-operation-id = ["worker_availability"]
checks.positive_data_acceptance.expected-statuses = [200, 400, 404]

# Which addresses there are, what waits for whom, and which of several miners is the donor.
[[operations]]
include-operation-id-regex = "^(invite_|modify_acc|revoke_acc|add_|accept_|miners_of_|set_sta)"
checks.positive_data_acceptance.expected-statuses = [200, 204, 400, 403, 404, 409]

# Schedules begin tomorrow and ascend, addresses have checksums, codes belong to somebody, a reward
# is shared once: more than a schema can say.
[[operations]]
include-operation-id-regex = "_fees$|_tariff_plan$|_mining_plan$|^set_default_fee$|_sharing"
checks.positive_data_acceptance.expected-statuses = [200, 204, 400, 404, 409]

[[operations]]
include-operation-id = ["put_wallet_address", "register_miner"]
checks.positive_data_acceptance.expected-statuses = [200, 400, 404, 409]

# That `from` must not be after `to`, and that `since` is a payment of one's own.
[[operations]]
include-operation-id-regex = "_payments(_csv)?$|^reward_rates?$"
checks.positive_data_acceptance.expected-statuses = [200, 400, 404]

# Amounts with a smallest value and so many decimals, whole hashes, the rights of two miners, and
# what an account holds.
[[operations]]
include-operation-id-regex = "boundary|_transfer|_min_payment|_access"
checks.positive_data_acceptance.expected-statuses = [200, 201, 204, 400, 403, 404, 409]

# Either a period or a range, of so many points; whom the pool shows to everybody.
[[operations]]
include-operation-id-regex = "_charts?$|_rejects?$|^public_"
checks.positive_data_acceptance.expected-statuses = [200, 304, 400, 404]

# Bounds by metric, a worker of this miner, so many of them.
[[operations]]
include-operation-id-regex = "_threshold$"
checks.positive_data_acceptance.expected-statuses = [200, 201, 204, 400, 404, 409]
"""
    )
    return file


# 40 s on a quiet machine; beside eight busy loops on two cores it took more than five minutes, and
# a 503 for want of a processor would say nothing about the document.
WAIT_S = 60.0
RUN_TIMEOUT_S = 1_200


def patient(config: ApiConfig) -> ApiConfig:
    """With limits of time that no load of the machine reaches."""
    database = with_database(
        config,
        acquire_timeout_s=WAIT_S,
        statement_timeout_s=WAIT_S,
        connect_timeout_s=WAIT_S,
    )
    return replace(database, http=HttpConfig(request_timeout_s=2 * WAIT_S))


@pytest.mark.slow
@pytest.mark.timeout(RUN_TIMEOUT_S + 60)
def test_the_service_does_what_the_document_says(database_url, tmp_path):
    tree = asyncio.run(seed(database_url))
    config = api_config(database_url, access=AccessConfig(internal_api_key=KEY))
    config = patient(replace(config, allow_private_webhooks=True))
    with running_api(config) as address:
        run = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "--config-file",
                configuration(tree, tmp_path),
                "run",
                f"{address}{BASE}/openapi.json",
                "--checks=all",
                # A batch is there once the service has proposed it; without a role, 404 is about
                # the address in the body.
                "--exclude-checks=ensure_resource_availability",
                "--max-examples=10",
                f"--request-timeout={2 * WAIT_S}",
                # The same cases on every run: what they find is a change of ours, not luck.
                "--seed=1",
                # The streams have no end; they have tests of their own.
                "--exclude-operation-id=live_events",
                "--exclude-operation-id=pool_live_events",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
        )
    assert run.returncode == 0, run.stdout[-20_000:]
    assert f"Tested: {len(ROUTES | MONEY_ROUTES) + len(PROBES)}" in run.stdout


def test_the_document_in_the_tree_is_fresh():
    app = create_app(api_config("postgresql://nowhere"))
    assert FILE.read_bytes() == text_of(app.openapi()), "run `python -m query_api.write_openapi`"
