"""Limits on what a caller may have, asked for many times at once: not one more is made."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from query_api.admin.keys import create_key
from query_api.config import (
    AccessConfig,
    BoundaryConfig,
    HttpConfig,
    InvitationConfig,
    PeopleConfig,
)
from tests.integration.api.client import BASE, api_client, api_config, connected, with_database
from tests.integration.api.data import seed_tree

AT_ONCE = 24
LIMITS = PeopleConfig(
    miners_per_user=3,
    watchers_per_miner=4,
    keys_per_user=5,
    invitations=InvitationConfig(per_user_and_day=6),
)


@pytest.fixture
async def owned(database_url):
    """A pool whose miner alpha has an owner; the owner's key and uid."""
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        _, key = await create_key(database_url, title="t", email="owner@example.com")
        uid = await connection.fetchval("select uid from users where email = 'owner@example.com'")
        await connection.execute("insert into roles values ($1, $2, 'owner')", tree.alpha.id, uid)
        await connection.execute(
            "update miners set donor_id = $2 where id = $1", tree.beta.id, tree.alpha.id
        )
        # Whoever waits for the lock waits as long as a busy machine takes.
        config = replace(
            with_database(
                api_config(database_url, access=AccessConfig()),
                acquire_timeout_s=100.0,
                statement_timeout_s=100.0,
            ),
            http=HttpConfig(request_timeout_s=100.0),
            people=LIMITS,
            boundary=BoundaryConfig(max_per_donor=7),
        )
        yield config, tree, connection, {"Authorization": f"Bearer {key}"}, uid


CASES = {
    "webhooks": (20, 409, "select count(*) from webhooks"),
    "watchers": (4, 409, "select count(*) from watchers"),
    "miners": (3, 409, "select count(*) from miners where registered_by is not null"),
    "invitations": (6, 429, "select count(*) from invitations"),
    "boundary": (7, 409, "select count(*) from boundary_workers where worker_id > 0"),
}


def asked(what, tree, number):
    alpha = f"{BASE}/miners/{tree.alpha.uid}"
    return {
        "webhooks": (f"{alpha}/webhooks", {"url": f"https://hooks.example.com/{number}"}),
        "watchers": (f"{alpha}/watchers", {"title": f"w{number}"}),
        "miners": (f"{BASE}/miners", {"account_name": f"mine_{number}"}),
        "invitations": (
            f"{alpha}/access",
            {"email": f"guest{number}@example.com", "roles": ["viewer"]},
        ),
        "boundary": (
            f"{BASE}/workers/boundary",
            {
                "name": f"gift-{number}",
                "donor_miner_id": str(tree.alpha.uid),
                "recipient_miner_id": str(tree.beta.uid),
                "hashrate": "100000000000000",
            },
        ),
    }[what]


@pytest.mark.parametrize("what", CASES)
async def test_requests_at_once_pass_no_limit(owned, what):
    config, tree, connection, key, _ = owned
    limit, refusal, count = CASES[what]
    # The tree has one boundary worker already.
    allowed = limit - await connection.fetchval(count)
    async with api_client(config) as client:

        async def post(number):
            path, body = asked(what, tree, number)
            answer = await client.post(path, json=body, headers=key)
            return answer.status_code

        found = Counter(await asyncio.gather(*(post(number) for number in range(AT_ONCE))))
    assert found == {200: allowed, refusal: AT_ONCE - allowed}
    assert await connection.fetchval(count) == limit


async def test_a_revoked_link_makes_room(owned):
    config, tree, _, key, _ = owned
    path = f"{BASE}/miners/{tree.alpha.uid}/watchers"
    async with api_client(config) as client:
        made = [await client.post(path, json={}, headers=key) for _ in range(5)]
        gone = await client.delete(f"{path}/{made[0].json()['id']}", headers=key)
        again = await client.post(path, json={}, headers=key)
    assert [answer.status_code for answer in made] == [200] * 4 + [409]
    assert (gone.status_code, again.status_code) == (204, 200)
