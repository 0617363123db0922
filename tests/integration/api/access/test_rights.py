"""Every route × every kind of caller, compared with the table of rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from uuid import UUID, uuid4

import pytest

from query_api.admin.keys import create_key
from query_api.app import create_app
from query_api.auth.rights import RIGHTS, Action
from query_api.config import AccessConfig
from schemas.access import ROLES_ON, Role
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import Tree, seed_minutes, seed_tree
from tests.integration.api.money.route_table import MONEY_ROUTES
from tests.integration.api.route_table import ABOVE, KIND, PROBES, ROUTES, STREAMED, TOKEN, Route

ALL_ROUTES = ROUTES | MONEY_ROUTES


@dataclass
class Caller:
    """A credential and what should come of it."""

    name: str
    headers: dict[str, str]
    internal: bool = False
    role: Role | None = None
    on: str | None = None
    watches: str | None = None
    extras: tuple[str, ...] = ()
    uid: UUID | None = None
    session: bool = False

    def may(self, route: Route, selves: set[UUID] = frozenset()) -> bool:
        if route.action in ("user", "person"):
            is_user = not self.internal and self.watches is None
            return is_user and (self.session or route.action == "user")
        if self.internal or route.action in ("public", "any"):
            return True
        if route.action == "no watcher":
            return self.watches is None
        if route.action in ("self", "signed-in self"):
            return self.name == "stranger" and (self.session or route.action == "self")
        grant = RIGHTS[Action(route.action)]
        if self.watches is not None:
            extra = grant.extra_permission in (None, *self.extras)
            return grant.watcher and extra and self.watches in route.on
        above = {entity: (entity,) if route.alone else ABOVE[entity] for entity in route.on}
        reached = any(self.on in entities for entities in above.values())
        return reached and self.role in getattr(grant, KIND[self.on].value)


@dataclass
class Cast:
    tree: Tree
    callers: list[Caller] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


WATCHERS = (("alpha", ()), ("beta", ()), ("alpha", ("accountant",)))
CALLERS = [
    "internal",
    *(f"{role} of {name}" for name, kind in KIND.items() for role in sorted(ROLES_ON[kind])),
    *(" ".join(["watcher of", name, *extras]) for name, extras in WATCHERS),
    "stranger",
]


async def make_callers(url: str, tree: Tree, connection) -> list[Caller]:
    _, internal = await create_key(url, title="services")
    callers = [Caller("internal", {"X-Headframe-API-Key": internal}, internal=True)]
    ids = {name: getattr(tree, name).id for name in ABOVE}
    for name, kind in KIND.items():
        for role in sorted(ROLES_ON[kind]):
            email = f"{role}@{name}.example"
            _, key = await create_key(url, title="t", email=email)
            uid = await connection.fetchval("select uid from users where email = $1", email)
            await connection.execute("insert into roles values ($1, $2, $3)", ids[name], uid, role)
            headers = {"Authorization": f"Bearer {key}"}
            callers.append(Caller(f"{role} of {name}", headers, role=role, on=name, uid=uid))
    for name, extras in WATCHERS:
        token = "hfwl_" + uuid4().hex + uuid4().hex
        await connection.execute(
            "insert into watchers (miner_id, digest, token, title, extra_permissions) "
            "values ($1, sha256(convert_to($2::text, 'UTF8')), $2, 'w', $3)",
            ids[name],
            token,
            list(extras),
        )
        title = " ".join(["watcher of", name, *extras])
        headers = {"X-Watcher-Token": token}
        callers.append(Caller(title, headers, watches=name, extras=extras))
    _, key = await create_key(url, title="t", email="stranger@example.com")
    uid = await connection.fetchval("select uid from users where email = 'stranger@example.com'")
    headers = {"Authorization": f"Bearer {key}"}
    # `Caller.on` of a stranger: an entity that is above nothing.
    callers.append(Caller("stranger", headers, role=Role.OWNER, on=None, uid=uid))
    assert [caller.name for caller in callers] == CALLERS
    return callers


@pytest.fixture
async def world(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.2)
        callers = await make_callers(database_url, tree, connection)
        wallet = str(
            await connection.fetchval("select uid from wallets where owner_id = $1", tree.alpha.id)
        )
    stranger = callers[-1]
    names = {name: str(getattr(tree, name).uid) for name in ABOVE}
    names |= {"rig": str(tree.alpha_workers[0].uid), "gift": str(tree.boundary.uid)}
    names |= {"self": str(stranger.uid), "wallet": wallet}
    config = api_config(database_url, access=AccessConfig(internal_api_key="configured"))
    async with api_client(config) as client:
        yield client, Cast(tree, callers, names)


def filled(value, names):
    if isinstance(value, dict):
        return {key: filled(below, names) for key, below in value.items()}
    if isinstance(value, list):
        return [filled(below, names) for below in value]
    return value.format(**names) if isinstance(value, str) else value


def test_every_operation_stands_in_the_table():
    document = create_app(api_config("postgresql://nowhere")).openapi()
    operations = {op["operationId"] for path in document["paths"].values() for op in path.values()}
    assert operations == set(ALL_ROUTES) | STREAMED | PROBES


@pytest.mark.parametrize("kind", CALLERS)
async def test_every_route_for_every_kind_of_caller(world, kind):
    client, it = world
    caller = it.callers[CALLERS.index(kind)]
    wrong = []
    for name, route in ALL_ROUTES.items():
        url = BASE + route.path.format(**it.names)
        body = filled(route.body, it.names)
        answer = await client.request(route.method, url, json=body, headers=caller.headers)
        allowed = answer.status_code not in (401, 403)
        if allowed != caller.may(route) or answer.status_code in (400, 500):
            wrong.append((name, answer.status_code, answer.text[:120]))
    assert wrong == []


STRANGERS = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Basic dTpw"},
    {"X-Headframe-API-Key": "wrong"},
    {"X-Headframe-API-Key": ""},
    {"X-Watcher-Token": TOKEN},
    {"X-Watcher-Token": "hfwl_short"},
    {"X-Session-Token": "wrong"},
    {"Cookie": "ory_session_relaxedwescoffeywmz1r7og=wrong"},
]


async def test_nobody_gets_in_without_a_valid_credential(world):
    client, it = world
    for route, headers in product(ROUTES.values(), STRANGERS):
        url = BASE + route.path.format(**it.names)
        body = filled(route.body, it.names)
        answer = await client.request(route.method, url, json=body, headers=headers)
        if route.action == "public":
            assert answer.status_code in (200, 404)
        else:
            assert answer.status_code == 401, (route, answer.text)
            assert answer.json()["error"]["code"] == "unauthorized"


async def test_ids_cannot_be_probed(world):
    client, it = world
    callers = {caller.name: caller for caller in it.callers}
    for path in ("/miners/{}", "/workers/{}", "/workers/boundary/{}", "/miners/{}/workers"):
        for name in ("viewer of beta", "watcher of alpha", "stranger"):
            there = await client.get(
                BASE + path.format(it.names["alpha" if "miners" in path else "rig"]),
                headers=callers["stranger"].headers,
            )
            missing = await client.get(BASE + path.format(uuid4()), headers=callers[name].headers)
            assert missing.status_code == 403
            if "boundary" not in path:
                assert (there.status_code, there.json()) == (403, missing.json())
        for name in ("internal", "viewer of pool"):
            missing = await client.get(BASE + path.format(uuid4()), headers=callers[name].headers)
            assert missing.status_code == 404


async def test_in_a_list_of_ids_the_hidden_are_like_the_missing(world):
    client, it = world
    watcher = next(caller for caller in it.callers if caller.name == "watcher of alpha")
    ids = {"id": [it.names["alpha"], it.names["beta"], str(uuid4())]}
    stats = await client.get(f"{BASE}/miners/stats", params=ids, headers=watcher.headers)
    assert list(stats.json()) == [it.names["alpha"]]
    charts = await client.get(
        f"{BASE}/miners/charts", params=ids | {"period": "PT15M"}, headers=watcher.headers
    )
    states = [chart["status"] for chart in charts.json()["data"].values()]
    assert states == ["ok", "not_found", "not_found"]
    hidden = {"id": it.names["beta"]}
    refused = await client.get(f"{BASE}/miners/stats", params=hidden, headers=watcher.headers)
    assert refused.status_code == 403


async def test_a_revoked_watcher_link_is_shut_at_once(world):
    client, it = world
    admin = next(caller for caller in it.callers if caller.name == "admin of alpha")
    made = await client.post(
        f"{BASE}/miners/{it.names['alpha']}/watchers", json={}, headers=admin.headers
    )
    token = {"X-Watcher-Token": made.json()["token"]}
    url = f"{BASE}/miners/{it.names['alpha']}"
    assert (await client.get(url, headers=token)).status_code == 200
    revoked = await client.delete(f"{url}/watchers/{made.json()['id']}", headers=admin.headers)
    assert (revoked.status_code, revoked.content) == (204, b"")
    assert (await client.get(url, headers=token)).status_code == 401
