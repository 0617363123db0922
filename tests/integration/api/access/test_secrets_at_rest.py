"""A dump of the database opens nothing: what is compared is hashed, what is shown again sealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from query_api.admin.keys import create_key
from query_api.admin.sealing import reseal
from query_api.config import AccessConfig
from schemas.sealing import SEALED, Seal, SealedError, digest_of, new_sealing_key
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree

KEY = {"X-Headframe-API-Key": "configured-internal-key-of-32-chars"}
OLD, NEW = new_sealing_key(), new_sealing_key()


@pytest.fixture
async def service(database_url):
    access = AccessConfig(internal_api_key=KEY["X-Headframe-API-Key"])
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.1)
        await connection.execute("update telegram_updates set username = 'pool_bot'")
        yield api_config(database_url, access=access), tree, connection


async def everything(connection):
    """Every text and every hash in the database, as a dump would show them."""
    rows = await connection.fetch(
        "select table_name from information_schema.tables "
        "where table_schema = current_schema() and table_type = 'BASE TABLE'"
    )
    dump = ""
    for row in rows:
        found = await connection.fetch(f'select t::text from "{row[0]}" t')
        dump += "\n".join(each[0] for each in found)
    return dump


async def make(client, tree, uid, user):
    miner = f"{BASE}/miners/{tree.alpha.uid}"
    watcher = (await client.post(f"{miner}/watchers", json={}, headers=KEY)).json()
    hook = await client.post(
        f"{miner}/webhooks", json={"url": "https://hooks.example.com/x"}, headers=KEY
    )
    invite = await client.post(f"{BASE}/users/{uid}/telegram/invite", headers=user)
    assert invite.status_code == 200, invite.text
    return watcher, hook.json(), invite.json()["invite"]["code"]


async def test_no_secret_stands_in_a_dump(service, database_url):
    config, tree, connection = service
    _, key = await create_key(database_url, title="t", email="owner@example.com")
    user = {"Authorization": f"Bearer {key}"}
    uid = await connection.fetchval("select uid from users where email = 'owner@example.com'")
    miner = f"{BASE}/miners/{tree.alpha.uid}"
    async with api_client(replace(config, sealing_keys=(NEW,))) as client:
        watcher, hook, code = await make(client, tree, uid, user)
        rotated = await client.post(f"{miner}/webhooks/{hook['id']}/rotate", headers=KEY)
        token = watcher["token"]
        listed = (await client.get(f"{miner}/watchers", headers=KEY)).json()["data"]
        by_link = await client.get(
            f"{BASE}/miners/stats?id={tree.alpha.uid}", headers={"X-Watcher-Token": token}
        )
        marked = await client.post(
            f"{BASE}/users/{uid}/watchers", json={"token": token}, headers=user
        )
        shown = (await client.get(f"{BASE}/users/{uid}/telegram/invite", headers=user)).json()
    assert [link["token"] for link in listed] == [token]
    assert by_link.status_code == 200
    assert marked.json()["token"] == token
    assert shown["invite"]["code"] == code
    dump = await everything(connection)
    for secret in (key, token, code, hook["secret"], rotated.json()["secret"]):
        assert secret not in dump
    assert digest_of(token).hex() in dump
    both = await connection.fetchrow("select secret, previous_secret from webhooks")
    assert [Seal((NEW,)).open(stored) for stored in both] == [
        rotated.json()["secret"],
        hook["secret"],
    ]


async def test_keys_are_set_and_changed_while_it_runs(service, database_url):
    config, tree, connection = service
    miner = f"{BASE}/miners/{tree.alpha.uid}/watchers"

    async def tokens(*keys):
        async with api_client(replace(config, sealing_keys=keys)) as client:
            answer = await client.get(miner, headers=KEY)
        if answer.status_code != 200:
            return answer.status_code
        return [link["token"] for link in answer.json()["data"]]

    async with api_client(config) as client:
        token = (await client.post(miner, json={}, headers=KEY)).json()["token"]
    assert await tokens() == await tokens(OLD) == [token]
    assert await reseal(database_url, Seal((OLD,))) == 1
    stored = await connection.fetchval("select token from watchers")
    assert stored.startswith(SEALED)
    # Without the key the list cannot be shown, while the link itself goes on working.
    assert await tokens(NEW) == 503
    with pytest.raises(SealedError):
        await reseal(database_url, Seal((NEW,)))
    assert await tokens(NEW, OLD) == [token]
    await reseal(database_url, Seal((NEW, OLD)))
    assert await tokens(NEW) == [token]
    async with api_client(config) as client:
        opened = await client.get(
            f"{BASE}/miners/stats?id={tree.alpha.uid}", headers={"X-Watcher-Token": token}
        )
    assert opened.status_code == 200
