"""Invitations: roles that wait, whoever the address belongs to."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.integration.people.pool import INTERNAL, Pool


def an_address() -> str:
    return f"{uuid4().hex[:12]}@example.com"


async def invite(pool: Pool, email: str, who=INTERNAL, roles=("viewer",), to=None):
    uid = (to or pool.tree.alpha).uid
    body = {"email": email, "roles": list(roles)}
    return await pool.call("POST", f"/miners/{uid}/access", who, json=body)


async def accept(pool: Pool, who, **body):
    return await pool.call("POST", "/invites/accept", who, json=body)


async def test_a_role_waits_until_the_person_accepts(pool: Pool):
    person = pool.people.person()
    invited = await invite(pool, person.email.upper(), roles=["viewer", "admin", "viewer"])
    assert (invited.status_code, invited.json()) == (200, {"roles": ["viewer", "admin"]})
    assert await pool.roles(person) == []
    user = (await pool.call("GET", "/user", person)).json()
    [waiting] = user["invitations"]
    assert (waiting["type"], waiting["name"], waiting["roles"]) == (
        "miner",
        "alpha",
        ["viewer", "admin"],
    )
    code = await pool.last_code(person.email)
    assert len(code) == 64
    accepted = await accept(pool, person, code=code)
    assert (accepted.status_code, accepted.json()) == (200, {})
    assert await pool.roles(person) == [("alpha", ["admin", "viewer"])]
    # Twice is as once: the answer may have been lost.
    assert (await accept(pool, person, code=code)).status_code == 200
    assert (await accept(pool, person)).status_code == 404


async def test_the_answer_and_the_lists_are_alike_for_known_and_unknown_addresses(pool: Pool):
    admin = await pool.member("admin", pool.tree.pool)
    known, unknown = pool.people.person(), an_address()
    await pool.call("GET", "/user", known)
    answers = [await invite(pool, email, admin) for email in (known.email, unknown)]
    assert answers[0].content == answers[1].content
    path = f"/pools/{pool.tree.pool.uid}/users"
    users = (await pool.call("GET", f"{path}?active=false", admin)).json()
    assert users["pagination"]["total_count"] == 2
    assert str(known.uid) not in {user["id"] for user in users["data"]}
    shown = []
    for user in users["data"]:
        details = (await pool.call("GET", f"{path}/{user['id']}", admin)).json()
        invites = (await pool.call("GET", f"{path}/{user['id']}/invites", admin)).json()
        [invite_] = invites["data"]
        assert len(invite_["code"]) == 64
        shown.append((details["status"], details["credentials"], invite_["status"]))
    assert (
        shown[0]
        == shown[1]
        == (
            "pending",
            {"totp": False, "lookup_secret": False},
            "pending",
        )
    )


@pytest.mark.parametrize("with_code", [True, False])
async def test_only_who_has_verified_the_address_accepts(pool: Pool, with_code: bool):
    invited = an_address()
    await invite(pool, invited)
    body = {"code": await pool.last_code(invited)} if with_code else {}
    impostor = pool.people.person(invited, verified=False)
    assert (await accept(pool, impostor, **body)).status_code == 403
    stranger = pool.people.person()
    assert (await accept(pool, stranger, **body)).status_code == 404
    assert (await accept(pool, stranger, **body, email=invited)).status_code == 403
    assert (await accept(pool, INTERNAL, **body)).status_code == 403
    pool.people.verify(impostor)
    await asyncio.sleep(0.2)  # what is remembered of the session
    assert (await accept(pool, impostor, **body)).status_code == 200


async def test_a_letter_that_lower_cases_into_ascii_takes_nothing_over(pool: Pool):
    name = uuid4().hex[:8]
    await invite(pool, f"{name}-kim@example.com")
    other = pool.people.person(f"{name}-\u212aim@example.com")
    assert (await accept(pool, other)).status_code == 403
    assert (await invite(pool, f"{name}-\u212aim@example.com")).status_code == 400


async def test_an_address_follows_kratos(pool: Pool):
    first = await pool.member("viewer", pool.tree.beta)
    address = first.email
    moved = pool.people.change_email(first, an_address())
    second = pool.people.person(address)
    await invite(pool, address)
    assert (await accept(pool, moved)).status_code == 404
    assert (await accept(pool, second)).status_code == 200
    assert await pool.roles(second) == [("alpha", ["viewer"])]
    assert await pool.roles(moved) == [("beta", ["viewer"])]
    held = await pool.connection.fetch("select uid, email from users where email is not null")
    assert {row["uid"]: row["email"] for row in held} == {
        first.uid: moved.email,
        second.uid: address,
    }


async def test_an_expired_invitation_is_listed_and_can_be_sent_again(pool: Pool):
    owner = await pool.member("owner", pool.tree.pool)
    person = pool.people.person()
    await invite(pool, person.email)
    old = await pool.last_code(person.email)
    await pool.connection.execute("update invitations set valid_until = now() - interval '1 s'")
    assert (await accept(pool, person, code=old)).status_code == 404
    listed = (await pool.call("GET", f"/miners/{pool.tree.alpha.uid}/invitations", owner)).json()
    assert [(it["email"], it["status"]) for it in listed["data"]] == [(person.email, "expired")]
    uid = await pool.connection.fetchval("select user_uid from invitations")
    path = f"/pools/{pool.tree.pool.uid}/users/{uid}/invites"
    again = await pool.call("POST", path, owner)
    assert (again.status_code, again.json()["status"]) == (200, "pending")
    code = again.json()["code"]
    assert code == await pool.last_code(person.email) != old
    assert (await accept(pool, person, code=old)).status_code == 404
    assert (await accept(pool, person, code=code)).status_code == 200
    path = f"/pools/{pool.tree.pool.uid}/users/{person.uid}/invites"
    [accepted] = (await pool.call("GET", path, owner)).json()["data"]
    assert (accepted["status"], accepted["user_id"]) == ("accepted", str(person.uid))
    nothing_waits = await pool.call("POST", path, owner)
    assert nothing_waits.status_code == 400


async def test_a_withdrawn_invitation_opens_nothing(pool: Pool):
    person = pool.people.person()
    await invite(pool, person.email)
    access = f"/miners/{pool.tree.alpha.uid}/access"
    code = await pool.last_code(person.email)
    gone = await pool.call("DELETE", access, INTERNAL, json={"email": person.email})
    assert gone.status_code == 204
    assert (await accept(pool, person, code=code)).status_code == 404
    again = await pool.call("DELETE", f"{access}?email={person.email}", INTERNAL)
    assert again.status_code == 404


async def test_roles_of_an_invitation_can_be_changed(pool: Pool):
    person = pool.people.person()
    await invite(pool, person.email)
    body = {"email": person.email, "roles": ["accountant"]}
    path = f"/miners/{pool.tree.alpha.uid}/access"
    assert (await pool.call("PATCH", path, INTERNAL, json=body)).json() == {"roles": ["accountant"]}
    assert (await accept(pool, person)).status_code == 200
    assert await pool.roles(person) == [("alpha", ["accountant"])]
    assert (await invite(pool, person.email)).status_code == 409


async def test_everybody_may_leave_but_the_only_owner(pool: Pool):
    viewer = await pool.member("viewer", pool.tree.alpha)
    owner = await pool.member("owner", pool.tree.alpha)
    access = f"/miners/{pool.tree.alpha.uid}/access"
    for body in ({}, None):
        options = {} if body is None else {"json": body}
        left = await pool.call("DELETE", access, viewer, **options)
        assert left.status_code == (403 if body is None else 204)
    assert await pool.roles(viewer) == []
    refused = await pool.call("DELETE", access, owner, json={"email": owner.email})
    assert refused.status_code == 409


async def test_an_admin_does_not_touch_an_owner(pool: Pool):
    owner = await pool.member("owner", pool.tree.alpha)
    other = await pool.member("owner", pool.tree.alpha)
    admin = await pool.member("admin", pool.tree.alpha)
    access = f"/miners/{pool.tree.alpha.uid}/access"
    body = {"email": owner.email, "roles": ["viewer"]}
    assert (await pool.call("PATCH", access, admin, json=body)).status_code == 403
    revoked = await pool.call("DELETE", access, admin, json={"email": owner.email})
    assert revoked.status_code == 403
    assert (await invite(pool, an_address(), admin, roles=["owner"])).status_code == 400
    revoked = await pool.call("DELETE", access, other, json={"email": owner.email})
    assert revoked.status_code == 204


@pytest.mark.parametrize("under", ["pools", "operators"])
async def test_whoever_a_miner_is_made_for_owns_it_once_accepted(pool: Pool, under: str):
    node = pool.tree.pool if under == "pools" else pool.tree.operator
    admin = await pool.member("admin", node)
    person = pool.people.person()
    body = {"account_name": "made_for", "email": person.email, "rate": 0.01}
    made = await pool.call("POST", f"/{under}/{node.uid}/miners", admin, json=body)
    assert (made.status_code, made.json()["owner"]["status"]) == (200, "pending")
    assert made.json()["owner"]["id"] != str(person.uid)
    assert await pool.roles(person) == []
    # To be invited as a viewer as well does not take the ownership away.
    uid = made.json()["id"]
    body = {"email": person.email, "roles": ["viewer"]}
    assert (await pool.call("POST", f"/miners/{uid}/access", admin, json=body)).status_code == 200
    assert (await accept(pool, person)).status_code == 200
    assert await pool.roles(person) == [("made_for", ["owner", "viewer"])]
    owned = (await pool.call("GET", f"/miners/{uid}", person)).json()
    assert (owned["owner"]["id"], owned["owner"]["status"]) == (str(person.uid), "active")


async def test_a_recipient_is_made_by_its_donor(pool: Pool):
    owner = await pool.member("owner", pool.tree.beta)
    person = pool.people.person()
    body = {"account_name": "recipient", "email": person.email}
    made = await pool.call("POST", "/miners/recipients", owner, json=body)
    assert made.status_code == 200, made.text
    donor = await pool.connection.fetchval(
        "select donor_id from miners where account_name = 'recipient'"
    )
    assert donor == pool.tree.beta.id
    await accept(pool, person)
    assert await pool.roles(person) == [("recipient", ["owner"])]
    assert (await pool.call("POST", "/miners/recipients", owner, json=body)).status_code == 409
    viewer = await pool.member("viewer", pool.tree.beta)
    refused = await pool.call(
        "POST",
        "/miners/recipients",
        viewer,
        json={**body, "account_name": "other", "donor_miner_id": str(pool.tree.beta.uid)},
    )
    assert refused.status_code == 403


async def test_the_donor_is_the_oldest_miner_that_the_caller_manages_itself(pool: Pool):
    owner = await pool.member("owner", pool.tree.beta)
    await pool.connection.execute(
        "insert into roles values ($1, $3, 'viewer'), ($2, $3, 'admin')",
        pool.tree.alpha.id,
        pool.tree.pool.id,
        owner.uid,
    )
    body = {"account_name": "second", "email": "second@example.com"}
    assert (await pool.call("POST", "/miners/recipients", owner, json=body)).status_code == 200
    donor = "select donor_id from miners where account_name = 'second'"
    assert await pool.connection.fetchval(donor) == pool.tree.beta.id
    above = await pool.member("owner", pool.tree.pool)
    body |= {"account_name": "third"}
    refused = await pool.call("POST", "/miners/recipients", above, json=body)
    assert (refused.status_code, "donor_miner_id" in refused.text) == (400, True)


async def test_miners_of_an_address_are_those_that_the_caller_sees(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    await pool.connection.execute(
        "insert into roles values ($1, $2, 'viewer')", pool.tree.beta.id, person.uid
    )
    operator = await pool.member("viewer", pool.tree.operator)
    path = f"/miners?email={person.email}"
    for who, names in ((INTERNAL, ["alpha", "beta"]), (operator, ["alpha"])):
        found = (await pool.call("GET", path, who)).json()
        assert [it["account_name"] for it in found["data"]] == names
        assert found["pagination"]["total_count"] == len(names)
    assert (await pool.call("GET", "/miners", operator)).status_code == 400


async def test_mails_to_strangers_are_limited(database_url, people):
    from tests.integration.api.client import api_client, connected
    from tests.integration.api.data import seed_tree
    from tests.integration.people.pool import people_config

    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        config = people_config(database_url, people, per_user_and_day=2)
        async with api_client(config) as client:
            pool = Pool(client, connection, tree, people)
            admin = await pool.member("admin", tree.alpha)
            statuses = [(await invite(pool, an_address(), admin)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            assert await connection.fetchval("select count(*) from outgoing_mails") == 2


async def test_codes_are_kept_nowhere_but_in_the_mail(pool: Pool):
    person = pool.people.person()
    await invite(pool, person.email)
    code = await pool.last_code(person.email)
    await pool.connection.execute("update outgoing_mails set fields = '{}'")  # it was sent
    tables = await pool.connection.fetch(
        "select table_name as name from information_schema.tables "
        "where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    for table in tables:
        stored = await pool.connection.fetch(f"select t::text as line from {table['name']} t")
        assert not any(code in row["line"] for row in stored)
    assert (await accept(pool, person, code=code)).status_code == 200
