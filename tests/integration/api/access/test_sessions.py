"""Ory Kratos sessions, API keys, rate limits: who gets in, and who must wait."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from query_api.admin.accounts import AccountsError, import_accounts
from query_api.admin.keys import create_key, list_keys, revoke_key
from query_api.config import AccessConfig, KratosConfig, RateLimitConfig
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_tree
from tests.integration.api.fake_kratos import COOKIE, kratos

ALICE = "0b7f6a0e-3b0e-4a57-9d51-0c1b6a2f8a11"


@pytest.fixture
def fake():
    with kratos() as state:
        state.sessions["good"] = ALICE
        state.emails[ALICE] = ("Alice@Example.com", True)
        yield state


@pytest.fixture
async def api(database_url, fake):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        settings = KratosConfig(url=fake.address, timeout_s=0.5, cache_s=0.2)
        config = api_config(database_url, access=AccessConfig(kratos=settings, cache_s=0.05))
        async with api_client(config) as client:
            yield client, tree, connection


SESSION = {"X-Session-Token": "good"}


@pytest.mark.parametrize("headers", [SESSION, {"Cookie": f"other=1; {COOKIE}=good"}])
async def test_a_session_is_its_user(api, headers):
    client, _, _ = api
    answer = await client.get(f"{BASE}/user", headers=headers)
    assert answer.json() == {
        "user": {"id": ALICE, "status": "active", "language": "en"},
        "verification": {},
        "credentials": {"totp": False, "lookup_secret": False},
        "permissions": [],
        "invitations": [],
    }


async def test_first_sign_ins_at_once_make_one_user(api):
    client, _, connection = api
    answers = await asyncio.gather(
        *(client.get(f"{BASE}/user", headers=SESSION) for _ in range(20)),
        *(client.get(f"{BASE}/user", headers={"Cookie": f"{COOKIE}=good"}) for _ in range(20)),
    )
    assert {answer.status_code for answer in answers} == {200}
    found = await connection.fetch("select uid, email from users")
    assert [tuple(row) for row in found] == [(UUID(ALICE), "alice@example.com")]


def api_url(connection):
    address, parameters = connection._addr, connection._params
    return f"postgresql://{parameters.user}:{parameters.password}@{address[0]}:{address[1]}/{parameters.database}"


async def test_an_unverified_address_proves_nothing(api, fake):
    client, _, connection = api
    fake.emails[ALICE] = ("alice@example.com", False)
    await connection.execute(
        "insert into users (email, status) values ('alice@example.com', 'pending')"
    )
    await client.get(f"{BASE}/user", headers=SESSION)
    assert await connection.fetchval("select email from users where uid = $1", UUID(ALICE)) is None


async def test_an_address_that_is_verified_later_counts_from_then_on(api, fake):
    client, tree, connection = api
    own = {"account_name": "own"}
    assert (await client.post(f"{BASE}/miners", json=own, headers=SESSION)).status_code == 200
    await connection.execute("update users set email = null")
    invited = await connection.fetchval(
        "insert into users (email, status) values ('alice@example.com', 'pending') returning uid"
    )
    own_id = await connection.fetchval("select id from miners where account_name = 'own'")
    for entity_id, role in ((own_id, "owner"), (own_id, "viewer"), (tree.alpha.id, "viewer")):
        await connection.execute("insert into roles values ($1, $2, $3)", entity_id, invited, role)
    await asyncio.sleep(0.3)  # what is remembered of the session and the user
    user = (await client.get(f"{BASE}/user", headers=SESSION)).json()
    assert [(p["account_name"], p["roles"]) for p in user["permissions"]] == [
        ("alpha", ["viewer"]),
        ("own", ["owner", "viewer"]),
    ]


async def test_all_that_an_invited_user_made_with_a_key_stays_theirs(api):
    client, tree, connection = api
    _, key = await create_key(str(api_url(connection)), title="ci", email="alice@example.com")
    by_key = {"Authorization": f"Bearer {key}"}
    uid = (await client.get(f"{BASE}/user", headers=by_key)).json()["user"]["id"]
    token = "hfwl_" + "a" * 64
    await connection.execute(
        "insert into watchers (miner_id, digest, token, title) "
        "values ($1, sha256(convert_to($2::text, 'UTF8')), $2, 't')",
        tree.alpha.id,
        token,
    )
    await connection.execute("insert into telegram_chats values ($1, 7, '{}')", UUID(uid))
    await connection.execute("update telegram_updates set username = 'bot', first_name = 'Bot'")
    me = f"{BASE}/users/{uid}"
    on = {"telegram": {"worker-status-changed": {"enabled": True}}}
    for method, path, body in (
        ("POST", "/watchers", {"token": token}),
        ("PATCH", "/notifications", on),
        ("POST", "/telegram/invite", None),
    ):
        made = await client.request(method, me + path, json=body, headers=by_key)
        assert made.status_code == 200, made.text
    assert (await client.get(f"{BASE}/user", headers=SESSION)).json()["user"]["id"] == ALICE
    me = f"{BASE}/users/{ALICE}"
    bookmarks = (await client.get(f"{me}/watchers", headers=SESSION)).json()["data"]
    assert [bookmark["token"] for bookmark in bookmarks] == [token]
    published = (await client.get(f"{me}/notifications", headers=SESSION)).json()
    assert published["telegram"]["worker-status-changed"]["enabled"]
    for path in ("/telegram/invite", "/telegram/chat"):
        assert (await client.get(me + path, headers=SESSION)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Session-Token": b"\xe9"},
        {"X-Session-Token": b""},
        {"Cookie": b"%s=\xe9" % COOKIE.encode()},
        {"Cookie": b'%s="a\\012b"' % COOKIE.encode()},
    ],
)
async def test_a_session_that_no_header_can_carry_is_401(api, headers):
    client, _, _ = api
    assert (await client.get(f"{BASE}/user", headers=headers)).status_code == 401


async def test_an_empty_internal_key_opens_nothing(database_url):
    config = api_config(database_url, access=AccessConfig(internal_api_key=""))
    async with api_client(config) as client:
        answer = await client.get(f"{BASE}/user", headers={"X-Headframe-API-Key": ""})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "trouble",
    [(500, b""), (503, b"{}"), (429, b"{}"), (200, b"not json"), (200, b"{}"), (302, b"")],
)
async def test_kratos_in_trouble_is_503_and_never_a_way_in(api, fake, trouble):
    client, _, _ = api
    fake.trouble = trouble
    answer = await client.get(f"{BASE}/user", headers=SESSION)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"] == "unavailable"


async def test_kratos_too_slow_is_503(api, fake):
    client, _, _ = api
    fake.hold = threading.Event()
    answer = await client.get(f"{BASE}/user", headers=SESSION)
    fake.hold.set()
    assert answer.status_code == 503


async def test_kratos_away_is_503(database_url):
    access = AccessConfig(kratos=KratosConfig(url="http://127.0.0.1:9", timeout_s=0.5))
    async with api_client(api_config(database_url, access=access)) as client:
        assert (await client.get(f"{BASE}/user", headers=SESSION)).status_code == 503


async def test_what_kratos_refuses_is_401(api, fake):
    client, _, _ = api
    assert (await client.get(f"{BASE}/user", headers={"X-Session-Token": "x"})).status_code == 401
    fake.inactive.add("good")
    assert (await client.get(f"{BASE}/user", headers=SESSION)).status_code == 401
    fake.trouble = (403, b'{"error": {"id": "session_aal2_required"}}')
    assert (await client.get(f"{BASE}/user", headers=SESSION)).status_code == 401


async def test_a_session_is_remembered_briefly(api, fake):
    client, _, _ = api
    for _ in range(5):
        assert (await client.get(f"{BASE}/user", headers=SESSION)).status_code == 200
    assert fake.asked <= 2


async def test_a_page_of_another_site_changes_nothing_by_cookie(api):
    client, _, _ = api
    cookie = {"Cookie": f"{COOKIE}=good"}
    body = {"account_name": "stolen"}
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://[::1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        refused = await client.post(f"{BASE}/miners", json=body, headers=cookie | foreign)
        assert refused.status_code == 403, foreign
    own = cookie | {"Origin": "http://test"}
    assert (await client.post(f"{BASE}/miners", json=body, headers=own)).status_code == 200


async def test_who_registers_owns(api):
    client, _, _ = api
    made = await client.post(f"{BASE}/miners", json={"account_name": "mine"}, headers=SESSION)
    assert made.json()["owner"]["id"] == ALICE
    title = f"{BASE}/miners/{made.json()['id']}/title"
    assert (await client.put(title, json={"title": "M"}, headers=SESSION)).json()["title"] == "M"
    again = await client.post(f"{BASE}/miners", json={"account_name": "mine"}, headers=SESSION)
    assert again.status_code == 409


async def test_keys_are_made_listed_and_revoked(database_url):
    key_id, key = await create_key(database_url, title="ci", email="Bob@Example.com")
    (listed,) = await list_keys(database_url)
    assert (listed.id, listed.title, listed.email) == (key_id, "ci", "bob@example.com")
    async with connected(database_url) as connection:
        stored = await connection.fetch("select * from api_keys")
    assert key not in str(stored)
    access = AccessConfig(cache_s=0.01)
    async with api_client(api_config(database_url, access=access)) as client:
        headers = {"Authorization": f"Bearer {key}"}
        assert (await client.get(f"{BASE}/user", headers=headers)).status_code == 200
        wrong_place = {"X-Headframe-API-Key": key}
        assert (await client.get(f"{BASE}/user", headers=wrong_place)).status_code == 401
        assert await revoke_key(database_url, key_id)
        assert not await revoke_key(database_url, uuid4())
        for _ in range(200):
            status = (await client.get(f"{BASE}/user", headers=headers)).status_code
            if status == 401:
                break
        assert status == 401


CSV = """pool,domain,operator,miner,title,email,role
Big,big.example,,,,boss@example.com,owner
Big,big.example,North,,,op@example.com,treasurer
Big,big.example,North,hall_one,Hall 1,m@example.com,owner
Big,big.example,,solo_miner,,,
"""


async def test_accounts_are_imported_again_and_again(database_url):
    for _ in range(3):
        done = await import_accounts(database_url, CSV.splitlines())
        assert (done.pools, done.operators, done.miners, done.roles) == (1, 1, 2, 3)
        async with connected(database_url) as connection:
            for table, count in (("pools", 1), ("operators", 1), ("miners", 2), ("roles", 3)):
                assert await connection.fetchval(f"select count(*) from {table}") == count


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",,,,,,", "line 2: pool"),
        ("Big,,,x,,,", "line 2: miner"),
        ("Big,,,abc,,a@b.example,", "line 2: email and role"),
        ("Big,,,abc,,a@b.example,king", "line 2: role"),
        ("Big,,,abc,,a@b.example,treasurer", "line 2: role"),
    ],
)
async def test_a_bad_line_is_named_and_nothing_is_taken(database_url, line, message):
    text = "pool,domain,operator,miner,title,email,role\n" + line
    with pytest.raises(AccountsError, match=message):
        await import_accounts(database_url, text.splitlines())
    async with connected(database_url) as connection:
        assert await connection.fetchval("select count(*) from pools") == 0


async def test_too_many_requests_wait(database_url):
    _, key = await create_key(database_url, title="services")
    config = replace(
        api_config(database_url, access=AccessConfig()),
        limits=RateLimitConfig(
            per_caller=3, per_internal_caller=3, per_address=50, failures_per_address=5
        ),
    )
    async with api_client(config) as client:
        headers = {"X-Headframe-API-Key": key}
        statuses = [
            (await client.get(f"{BASE}/user", headers=headers)).status_code for _ in range(5)
        ]
        assert statuses == [200, 200, 200, 429, 429]
        limited = await client.get(f"{BASE}/user", headers=headers)
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert limited.json()["error"]["code"] == "too_many_requests"
        wrong = {"X-Headframe-API-Key": "guess"}
        guesses = [(await client.get(f"{BASE}/user", headers=wrong)).status_code for _ in range(7)]
        assert guesses == [401] * 5 + [429] * 2
        assert (await client.get("/healthz")).status_code == 200
