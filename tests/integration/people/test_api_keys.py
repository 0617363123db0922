"""API keys of users: made by a person, narrower than the person, revoked."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.people.pool import INTERNAL, Pool


async def make(pool: Pool, person, **body):
    return await pool.call("POST", "/users/me/api-keys", person, json={"title": "ci"} | body)


async def bearer(pool: Pool, person, **body):
    made = await make(pool, person, **body)
    assert made.status_code == 200, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_a_key_is_shown_once_listed_and_revoked(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    entity = {"type": "miner", "id": str(pool.tree.alpha.uid)}
    made = (await make(pool, person, role="viewer", entities=[entity])).json()
    path = "/users/me/api-keys"
    [listed] = (await pool.call("GET", path, person)).json()["data"]
    created_at = listed.pop("created_at")
    assert created_at.endswith("Z")
    assert listed == {"id": made["id"], "title": "ci", "role": "viewer", "entities": [entity]}
    key = {"Authorization": f"Bearer {made['key']}"}
    assert (await pool.call("GET", "/user", key)).status_code == 200
    assert (await pool.call("DELETE", f"{path}/{made['id']}", person)).status_code == 204
    assert (await pool.call("DELETE", f"{path}/{made['id']}", person)).status_code == 404
    assert (await pool.call("GET", "/user", key)).status_code == 401


@pytest.mark.parametrize(
    ("held", "role", "reads", "changes"),
    [
        ("owner", None, 200, 200),
        ("owner", "admin", 200, 200),
        ("owner", "viewer", 200, 403),
        ("owner", "accountant", 200, 403),
        ("viewer", "admin", 200, 403),
        ("viewer", None, 200, 403),
    ],
)
async def test_a_key_opens_what_both_it_and_its_user_may(pool: Pool, held, role, reads, changes):
    person = await pool.member(held, pool.tree.alpha)
    key = await bearer(pool, person, role=role)
    miner = f"/miners/{pool.tree.alpha.uid}"
    assert (await pool.call("GET", miner, key)).status_code == reads
    title = await pool.call("PUT", f"{miner}/title", key, json={"title": "x"})
    assert title.status_code == changes


async def test_a_key_opens_nothing_beside_what_was_chosen(pool: Pool):
    person = await pool.member("owner", pool.tree.pool)
    operator = {"type": "operator", "id": str(pool.tree.operator.uid)}
    key = await bearer(pool, person, entities=[operator])
    opened = {
        f"/operators/{pool.tree.operator.uid}": 200,
        f"/miners/{pool.tree.alpha.uid}": 200,
        f"/miners/{pool.tree.beta.uid}": 403,
        f"/pools/{pool.tree.pool.uid}": 403,
        f"/pools/{pool.tree.pool.uid}/users": 403,
    }
    assert {path: (await pool.call("GET", path, key)).status_code for path in opened} == opened


@pytest.mark.parametrize(
    ("held", "role", "shown"),
    [
        ("owner", "admin", ["admin"]),
        ("owner", "viewer", ["viewer"]),
        ("owner", None, ["owner"]),
        ("viewer", "admin", ["viewer"]),
        ("accountant", "treasurer", ["accountant"]),
    ],
)
async def test_a_limited_key_shows_what_it_opens(pool: Pool, held, role, shown):
    person = await pool.member(held, pool.tree.pool)
    chosen = [{"type": "miner", "id": str(pool.tree.beta.uid)}]
    key = await bearer(pool, person, role=role, entities=chosen)
    user = (await pool.call("GET", "/user", key)).json()
    assert user["user"] == {"id": str(person.uid), "status": "active", "language": "en"}
    assert set(user["credentials"]) == {"totp", "lookup_secret"}
    assert user["permissions"] == [
        {"type": "miner", "id": chosen[0]["id"], "account_name": "beta", "roles": shown}
    ]


async def test_a_limited_key_shows_nothing_that_its_user_has_lost(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    key = await bearer(pool, person, entities=[{"type": "miner", "id": str(pool.tree.alpha.uid)}])
    await pool.connection.execute("delete from roles where user_uid = $1", person.uid)
    await asyncio.sleep(0.1)  # so long is a key remembered
    assert (await pool.call("GET", "/user", key)).json()["permissions"] == []


async def test_a_key_is_not_its_person(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    limited = await bearer(pool, person, role="admin")
    whole = await bearer(pool, person)
    for method, path, body, for_whole in (
        ("POST", "/users/me/api-keys", {"title": "another"}, 403),
        ("POST", "/invites/accept", {}, 403),
        ("POST", "/users/me/deletion-request", None, 403),
        ("GET", "/users/me/api-keys", None, 200),
        ("PUT", "/user/status", {"status": "active"}, 200),
        ("POST", "/miners", {"account_name": "one_more"}, 200),
    ):
        assert (await pool.call(method, path, limited, json=body)).status_code == 403, path
        assert (await pool.call(method, path, whole, json=body)).status_code == for_whole, path
    body = {"email": person.email}
    left = await pool.call("DELETE", f"/miners/{pool.tree.alpha.uid}/access", limited, json=body)
    assert left.status_code == 403


async def test_a_key_cannot_be_limited_to_what_its_user_does_not_see(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    hidden = {"type": "miner", "id": str(pool.tree.beta.uid)}
    assert (await make(pool, person, entities=[hidden])).status_code == 403
    for wrong in ({"entities": []}, {"role": "owner"}, {"title": ""}):
        assert (await make(pool, person, **wrong)).status_code == 400
    other = await pool.member("owner", pool.tree.beta)
    path = f"/users/{person.uid}/api-keys"
    assert (await pool.call("GET", path, other)).status_code == 403
    assert (await pool.call("GET", path, INTERNAL)).json() == {"data": []}
