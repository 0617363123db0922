"""Users of a pool: what its owner and its admins see of them, and may do to them."""

from __future__ import annotations

import asyncio
from itertools import product

import httpx2
import pytest

from query_api.auth.people_rights import MAY, Deed, Rank, may
from tests.fixtures.kratos import Person
from tests.integration.people.pool import INTERNAL, Pool


def base(pool: Pool, person: Person | None = None) -> str:
    path = f"/pools/{pool.tree.pool.uid}/users"
    return path if person is None else f"{path}/{person.uid}"


def with_lookup_secret(pool: Pool, person: Person) -> None:
    """Set up as Kratos' import of credentials cannot: through its own settings flow."""
    token = {"X-Session-Token": pool.people.token(person)}
    with httpx2.Client(base_url=pool.people.node.public_url, headers=token) as client:
        flow = client.get("/self-service/settings/api").json()
        for step in ("lookup_secret_regenerate", "lookup_secret_confirm"):
            answer = client.post(flow["ui"]["action"], json={"method": "lookup_secret", step: True})
            assert answer.status_code == 200, answer.text


async def test_a_pool_knows_its_people(pool: Pool):
    owner = await pool.member("owner", pool.tree.pool)
    member = await pool.member("viewer", pool.tree.alpha, language="ru")
    listed = (await pool.call("GET", base(pool), owner)).json()
    assert [user["id"] for user in listed["data"]] == [str(owner.uid), str(member.uid)]
    assert listed["pagination"] == {"limit": 10, "offset": 0, "total_count": 2}
    details = (await pool.call("GET", base(pool, member), owner)).json()
    assert details == listed["data"][1] | {
        "language": "ru",
        "credentials": {"totp": False, "lookup_secret": False},
    }
    permissions = (await pool.call("GET", base(pool, member) + "/permissions", owner)).json()
    assert permissions == {
        "data": [
            {
                "type": "miner",
                "id": str(pool.tree.alpha.uid),
                "account_name": "alpha",
                "roles": ["viewer"],
            }
        ]
    }
    await pool.call("PUT", "/user/status", member, json={"status": "inactive"})
    inactive = (await pool.call("GET", base(pool) + "?active=false", owner)).json()
    assert [user["status"] for user in inactive["data"]] == ["inactive"]


async def test_sessions_are_listed_with_devices_and_ended(pool: Pool):
    owner = await pool.member("owner", pool.tree.pool)
    member = await pool.member("viewer", pool.tree.alpha)
    token = {"X-Session-Token": pool.people.token(member, agent="laptop")}
    path = base(pool, member) + "/sessions"
    sessions = (await pool.call("GET", path + "?limit=1", owner)).json()
    assert sessions["pagination"]["total_count"] == 2
    [newest] = sessions["data"]
    [device] = newest["devices"]
    assert (newest["active"], device["user_agent"], device["ip_address"]) == (
        True,
        "laptop",
        "127.0.0.1",
    )
    assert newest["issued_at"].endswith("Z")
    assert len(newest["issued_at"]) == len("2026-01-01T00:00:00Z")
    assert (await pool.call("GET", "/user", token)).status_code == 200
    end = f"/pools/{pool.tree.pool.uid}/sessions/{newest['id']}"
    for _ in range(2):
        assert (await pool.call("DELETE", end, owner)).status_code == 204
    assert (await pool.call("GET", "/user", token)).status_code == 401
    assert (await pool.call("GET", path, owner)).json()["pagination"]["total_count"] == 1
    ended = (await pool.call("GET", path + "?active=false", owner)).json()["data"]
    assert [session["id"] for session in ended] == [newest["id"]]


async def test_a_second_factor_counts_and_can_be_reset(pool: Pool):
    owner = await pool.member("owner", pool.tree.pool)
    member = await pool.member("viewer", pool.tree.alpha)
    with_lookup_secret(pool, member)
    details = (await pool.call("GET", base(pool, member), owner)).json()
    assert details["credentials"] == {"totp": False, "lookup_secret": True}
    # A password alone is not enough any more.
    password_only = pool.people.headers(member)
    assert (await pool.call("GET", "/user", password_only)).status_code == 401
    path = base(pool, member) + "/2fa"
    for kind in ("lookup_secret", "lookup_secret", "totp"):
        reset = await pool.call("POST", path, owner, json={"type": kind})
        assert reset.status_code == 204, reset.text
    assert (await pool.call("POST", path, owner, json={"type": "password"})).status_code == 400
    assert (await pool.call("GET", "/user", password_only)).status_code == 200


@pytest.mark.parametrize("caller_rank", ["owner", "admin", "viewer"])
async def test_who_may_do_what_to_whom(pool: Pool, caller_rank: str):
    caller = await pool.member(caller_rank, pool.tree.pool)
    rank = {"owner": Rank.OWNER, "admin": Rank.ADMIN, "viewer": Rank.MEMBER}
    deeds = {
        Deed.READ: ("GET", "", None),
        Deed.RESET_SECOND_FACTOR: ("POST", "/2fa", {"type": "totp"}),
        Deed.INVITE_AGAIN: ("POST", "/invites", None),
        Deed.DELETE: ("DELETE", "", None),
    }
    headers = pool.people.headers(caller)
    await pool.member("owner", pool.tree.pool)  # so that one may go
    for target, (deed, (method, path, body)) in product(rank, deeds.items()):
        person = await pool.member(target, pool.tree.pool)
        answer = await pool.call(method, base(pool, person) + path, headers, json=body)
        allowed = answer.status_code != 403
        expected = may(deed, rank[caller_rank], rank[target])
        assert allowed == expected, (deed, target, answer.text)


def test_the_table_never_lets_an_admin_do_anything_to_an_owner():
    for deed in set(Deed) - {Deed.READ}:
        assert Rank.OWNER not in MAY[deed][Rank.ADMIN]
        assert Rank.MEMBER not in MAY[deed]


async def test_nobody_is_touched_from_another_pool(pool: Pool):
    other = await pool.connection.fetchval(
        "insert into pools (title, domain) values ('Other', 'other.example') returning id"
    )
    owner = await pool.member("owner", pool.tree.pool)
    shared = await pool.member("viewer", pool.tree.alpha)
    await pool.connection.execute("insert into roles values ($1, $2, 'owner')", other, shared.uid)
    stranger = pool.people.person()
    await pool.call("GET", "/user", stranger)
    await pool.connection.execute("insert into roles values ($1, $2, 'owner')", other, stranger.uid)
    assert (await pool.call("GET", base(pool, shared), owner)).status_code == 200
    for method, path, body in (
        ("POST", "/2fa", {"type": "totp"}),
        ("DELETE", "", None),
    ):
        answer = await pool.call(method, base(pool, shared) + path, owner, json=body)
        assert answer.status_code == 403
        answer = await pool.call(method, base(pool, stranger) + path, owner, json=body)
        assert answer.status_code == 404
    session = pool.people.session(stranger)["session"]["id"]
    end = f"/pools/{pool.tree.pool.uid}/sessions/{session}"
    assert (await pool.call("DELETE", end, owner)).status_code == 404
    # Seen by who has come from elsewhere: nothing.
    assert (await pool.call("GET", base(pool), stranger)).status_code == 403


async def test_a_deletion_is_asked_for_kept_and_carried_out(pool: Pool):
    owner = await pool.member("owner", pool.tree.pool)
    member = await pool.member("viewer", pool.tree.alpha)
    request = base(pool, member) + "/deletion-request"
    assert (await pool.call("GET", request, owner)).status_code == 404
    first = await pool.call("POST", "/users/me/deletion-request", member)
    again = await pool.call("POST", f"/users/{member.uid}/deletion-request", member)
    assert first.status_code == 200
    assert first.json() == again.json() == (await pool.call("GET", request, owner)).json()
    assert first.json()["created_by"] == str(member.uid)
    assert (await pool.call("GET", "/user", member)).status_code == 200  # not at once
    waiting = (
        await pool.call("GET", f"/pools/{pool.tree.pool.uid}/deletion-requests", owner)
    ).json()
    assert [(it["type"], it["id"]) for it in waiting["data"]] == [("user", str(member.uid))]
    headers = pool.people.headers(member)
    assert (await pool.call("DELETE", base(pool, member), owner)).status_code == 204
    assert (await pool.call("GET", "/user", headers)).status_code == 401
    for table in ("users", "roles", "known_devices"):
        column = "uid" if table == "users" else "user_uid"
        left = await pool.connection.fetchval(
            f"select count(*) from {table} where {column} = $1", member.uid
        )
        assert left == 0
    assert (await pool.call("GET", base(pool, member), owner)).status_code == 404


async def test_no_account_is_left_without_an_owner(pool: Pool):
    admin = await pool.member("owner", pool.tree.pool)
    only = await pool.member("owner", pool.tree.alpha)
    refused = await pool.call("DELETE", base(pool, only), admin)
    assert (refused.status_code, "miner alpha" in refused.text) == (409, True)
    assert await pool.roles(only) == [("alpha", ["owner"])]
    second = await pool.member("owner", pool.tree.alpha)
    # Both at once: one of them stays.
    answers = await asyncio.gather(
        *(pool.call("DELETE", base(pool, person), admin) for person in (only, second))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_miner_is_deleted_by_hand_alone(pool: Pool, database_url):
    from query_api.admin.people import delete_miner_now, deletion_requests

    owner = await pool.member("owner", pool.tree.alpha)
    admin = await pool.member("admin", pool.tree.alpha)
    path = f"/miners/{pool.tree.alpha.uid}"
    assert (await pool.call("DELETE", path, admin)).status_code == 403
    for _ in range(2):
        assert (await pool.call("DELETE", path, owner)).status_code == 204
    assert (await pool.call("GET", path, owner)).json()["status"] == "active"
    notices = await pool.connection.fetch("select kind from events where entity_id is not null")
    assert [row["kind"] for row in notices] == ["miner.delete-requested"]
    [request] = await deletion_requests(database_url)
    assert (request["kind"], request["name"]) == ("miner", "alpha")
    await delete_miner_now(database_url, "alpha")
    await asyncio.sleep(0.1)
    assert (await pool.call("GET", path, owner)).status_code == 403
    assert (await pool.call("GET", path, INTERNAL)).json()["status"] == "deleted"
    assert await deletion_requests(database_url) == []


@pytest.mark.parametrize("trouble", ["slow", "away"])
async def test_without_kratos_nothing_is_half_done(pool: Pool, kratos, trouble, monkeypatch):
    owner = await pool.member("owner", pool.tree.pool)
    member = await pool.member("viewer", pool.tree.alpha)
    kratos.pause() if trouble == "slow" else None
    if trouble == "away":
        # The API's own client asks where nobody listens.
        app_client = pool.client._transport.app.state.context.kratos_admin._client
        monkeypatch.setattr(app_client, "_base_url", httpx2.URL("http://127.0.0.1:9/admin/"))
    for method, path, body in (
        ("DELETE", "", None),
        ("POST", "/2fa", {"type": "totp"}),
        ("GET", "/sessions", None),
        ("GET", "", None),
    ):
        answer = await pool.call(method, base(pool, member) + path, INTERNAL, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    kratos.resume()
    monkeypatch.undo()
    assert await pool.roles(member) == [("alpha", ["viewer"])]
    assert (await pool.call("DELETE", base(pool, member), owner)).status_code == 204
