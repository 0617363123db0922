"""The caller: who it is, its status and its language, with sessions of a real Ory Kratos."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

from query_api.admin.keys import create_key
from tests.integration.people.pool import INTERNAL, Pool


async def test_the_caller_is_told_all_about_itself(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha, language="ru")
    for headers in (pool.people.headers(person), pool.people.cookie(person)):
        user = (await pool.call("GET", "/user", headers)).json()
        intercom = hmac.new(b"intercom", str(person.uid).encode(), hashlib.sha256).hexdigest()
        assert user == {
            "user": {"id": str(person.uid), "status": "active", "language": "ru"},
            "verification": {"intercom": intercom},
            "credentials": {"totp": False, "lookup_secret": False},
            "permissions": [
                {
                    "type": "miner",
                    "id": str(pool.tree.alpha.uid),
                    "account_name": "alpha",
                    "roles": ["owner"],
                }
            ],
            "invitations": [],
        }
    service = (await pool.call("GET", "/user", INTERNAL)).json()
    assert service["user"] is None
    assert [it["type"] for it in service["permissions"]] == ["platform", "pool"]


async def test_the_language_is_kept_in_the_identity(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    headers = pool.people.headers(person)
    changed = await pool.call("PUT", "/user/language", headers, json={"language": "ru"})
    assert (changed.status_code, changed.json()) == (200, {"language": "ru"})
    assert pool.people.identity(person)["traits"]["language"] == "ru"
    assert (await pool.call("GET", "/user", headers)).json()["user"]["language"] == "ru"
    wrong = await pool.call("PUT", "/user/language", headers, json={"language": "de"})
    assert wrong.status_code == 400
    pool.people.change(person, {"op": "replace", "path": "/traits/language", "value": "en"})
    await asyncio.sleep(0.2)  # what is remembered of the session
    assert (await pool.call("GET", "/user", headers)).json()["user"]["language"] == "en"


async def test_without_kratos_the_language_stays_what_it_was(pool: Pool, kratos):
    person = await pool.member("owner", pool.tree.alpha)
    headers = pool.people.headers(person)
    assert (await pool.call("GET", "/user", headers)).status_code == 200
    kratos.pause()
    answer = await pool.call("PUT", "/user/language", headers, json={"language": "ru"})
    assert answer.status_code == 503
    kratos.resume()
    stored = await pool.connection.fetchval("select language from users where uid = $1", person.uid)
    assert stored == "en"


async def test_who_switches_itself_off_opens_nothing_until_it_is_on_again(
    pool: Pool, database_url: str
):
    person = await pool.member("owner", pool.tree.alpha)
    _, key = await create_key(database_url, title="ci", email=person.email)
    miner = f"/miners/{pool.tree.alpha.uid}"
    callers = (pool.people.headers(person), {"Authorization": f"Bearer {key}"})
    for status, opened in (("inactive", 403), ("active", 200)):
        answer = await pool.call("PUT", "/user/status", callers[0], json={"status": status})
        assert answer.json() == {"status": status}
        for caller in callers:
            assert (await pool.call("GET", "/user", caller)).json()["user"]["status"] == status
            assert (await pool.call("GET", miner, caller)).status_code == opened
            bookmarks = await pool.call("GET", "/users/me/watchers", caller)
            assert bookmarks.status_code == opened
    pending = await pool.call("PUT", "/user/status", callers[0], json={"status": "pending"})
    assert pending.status_code == 400
    refused = await pool.call("PUT", "/user/status", INTERNAL, json={"status": "active"})
    assert refused.status_code == 403


async def test_a_new_device_is_noticed_once(pool: Pool):
    person = await pool.member("owner", pool.tree.alpha)
    for agent in ("phone", "laptop", "laptop", "phone"):
        headers = {"X-Session-Token": pool.people.token(person, agent=agent)}
        assert (await pool.call("GET", "/user", headers)).status_code == 200
    notices = await pool.connection.fetch(
        "select user_uid, fields ->> 'user_agent' as agent, fields ->> 'ip_address' as address "
        "from events where kind = 'user.login'"
    )
    assert [tuple(row) for row in notices] == [(person.uid, "laptop", "127.0.0.1")]


async def test_twenty_first_sign_ins_at_once_are_one_user(pool: Pool):
    person = pool.people.person()
    tokens = [pool.people.token(person) for _ in range(20)]
    answers = await asyncio.gather(
        *(pool.call("GET", "/user", {"X-Session-Token": token}) for token in tokens)
    )
    assert {answer.status_code for answer in answers} == {200}
    assert await pool.connection.fetchval("select count(*) from users") == 1
