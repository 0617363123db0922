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
from schemas.access import ROLES_ON, EntityKind, Role
from tests.integration.api_client import BASE, api_client, api_config, connected
from tests.integration.api_data import Tree, seed_minutes, seed_tree

READ, CHANGE = Action.READ_TELEMETRY, Action.CHANGE
ENTITY, ACCESS, OWNERS = Action.READ_ENTITY, Action.MANAGE_ACCESS, Action.MANAGE_OWNERS
TOKEN = "hfwl_" + "0" * 64
SOME = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Route:
    """What a route needs: an action on one of the `on` (names in `ABOVE`)."""

    method: str
    path: str
    action: Action | str
    on: tuple[str, ...] = ()
    body: object = None


ABOVE = {
    "pool": ("pool",),
    "operator": ("operator", "pool"),
    "alpha": ("alpha", "operator", "pool"),
    "beta": ("beta", "pool"),
}
"""Each entity with those above it; beta has no operator."""

KIND = {
    "pool": EntityKind.POOL,
    "operator": EntityKind.OPERATOR,
    "alpha": EntityKind.MINER,
    "beta": EntityKind.MINER,
}

INVITATION = {"email": "new@example.com", "roles": ["viewer"]}
ROUTES = {
    "workers_stats": Route("GET", "/workers/stats?id={rig}", READ, ("alpha",)),
    "workers_charts": Route("GET", "/workers/charts?period=PT15M&id={rig}", READ, ("alpha",)),
    "workers_rejects": Route("GET", "/workers/rejects?period=PT15M&id={rig}", READ, ("alpha",)),
    "miners_stats": Route("GET", "/miners/stats?id={alpha}", READ, ("alpha",)),
    "miners_charts": Route("GET", "/miners/charts?period=PT1H&id={alpha}", READ, ("alpha",)),
    "miners_rejects": Route("GET", "/miners/rejects?period=P1D&id={alpha}", READ, ("alpha",)),
    "operator_stats": Route("GET", "/operators/{operator}/stats", READ, ("operator",)),
    "operator_chart": Route("GET", "/operators/{operator}/charts?period=P1D", READ, ("operator",)),
    "pool_stats": Route("GET", "/pools/{pool}/stats", Action.READ_POOL_STATS, ("pool",)),
    "pool_overview": Route("GET", "/pools/{pool}/overview", Action.READ_POOL_STATS, ("pool",)),
    "pool_chart": Route("GET", "/pools/{pool}/charts?period=P1W", READ, ("pool",)),
    "miner_workers": Route("GET", "/miners/{alpha}/workers", READ, ("alpha",)),
    "operator_workers": Route("GET", "/operators/{operator}/workers", READ, ("operator",)),
    "pool_workers": Route("GET", "/pools/{pool}/workers", READ, ("pool",)),
    "miner_worker_counts": Route("GET", "/miners/{alpha}/workers/stats", READ, ("alpha",)),
    "operator_worker_counts": Route(
        "GET", "/operators/{operator}/workers/stats", READ, ("operator",)
    ),
    "pool_worker_counts": Route("GET", "/pools/{pool}/workers/stats", READ, ("pool",)),
    "worker": Route("GET", "/workers/{rig}", READ, ("alpha",)),
    "worker_availability": Route("GET", "/workers/{rig}/availability", READ, ("alpha",)),
    "remove_worker": Route("DELETE", "/workers/{rig}", CHANGE, ("alpha",)),
    "create_boundary_worker": Route(
        "POST",
        "/workers/boundary",
        CHANGE,
        ("alpha",),
        {
            "name": "gift",
            "hashrate": 10**14,
            "donor_miner_id": "{alpha}",
            "recipient_miner_id": "{beta}",
        },
    ),
    "boundary_worker": Route("GET", "/workers/boundary/{gift}", READ, ("alpha", "beta")),
    "change_boundary_worker": Route(
        "PATCH", "/workers/boundary/{gift}", CHANGE, ("alpha",), {"hashrate": "5000000000"}
    ),
    "put_boundary_worker": Route(
        "PUT", "/workers/boundary/{gift}", CHANGE, ("alpha",), {"hashrate": "5000000000"}
    ),
    "disconnect_boundary_worker": Route("DELETE", "/workers/boundary/{gift}", CHANGE, ("alpha",)),
    "hashrate_transfers": Route("GET", "/miners/{alpha}/hashrate-transfers", READ, ("alpha",)),
    "donor_stats": Route("GET", "/miners/{alpha}/boundary-workers/stats", READ, ("alpha",)),
    "donor_chart": Route(
        "GET", "/miners/{alpha}/boundary-workers/charts?period=PT15M", READ, ("alpha",)
    ),
    "donor_daily_report": Route(
        "GET", "/miners/{alpha}/boundary-workers/daily-report", READ, ("alpha",)
    ),
    "workers_daily_report": Route("GET", "/miners/{alpha}/workers/daily-report", READ, ("alpha",)),
    "status_transitions": Route(
        "GET", "/miners/{alpha}/workers/status-transitions", READ, ("alpha",)
    ),
    "list_webhooks": Route("GET", "/miners/{alpha}/webhooks", CHANGE, ("alpha",)),
    "create_webhook": Route(
        "POST", "/miners/{alpha}/webhooks", CHANGE, ("alpha",), {"url": "https://example.com/"}
    ),
    "change_webhook": Route(
        "PATCH", f"/miners/{{alpha}}/webhooks/{SOME}", CHANGE, ("alpha",), {"enabled": True}
    ),
    "delete_webhook": Route("DELETE", f"/miners/{{alpha}}/webhooks/{SOME}", CHANGE, ("alpha",)),
    "rotate_webhook_secret": Route(
        "POST", f"/miners/{{alpha}}/webhooks/{SOME}/rotate", CHANGE, ("alpha",)
    ),
    "list_deliveries": Route(
        "GET", f"/miners/{{alpha}}/webhooks/{SOME}/deliveries", CHANGE, ("alpha",)
    ),
    "retry_delivery": Route(
        "POST", f"/miners/{{alpha}}/webhooks/{SOME}/deliveries/{SOME}/retry", CHANGE, ("alpha",)
    ),
    "set_alerts": Route("PUT", "/miners/{alpha}/alerts", CHANGE, ("alpha",), {"delay_seconds": 60}),
    "miner": Route("GET", "/miners/{alpha}", ENTITY, ("alpha",)),
    "set_title": Route("PUT", "/miners/{alpha}/title", CHANGE, ("alpha",), {"title": "A"}),
    "clear_title": Route("DELETE", "/miners/{alpha}/title", CHANGE, ("alpha",)),
    "operator": Route("GET", "/operators/{operator}", ENTITY, ("operator",)),
    "operator_miners": Route("GET", "/operators/{operator}/miners", ENTITY, ("operator",)),
    "add_operator_miner": Route(
        "POST", "/operators/{operator}/miners", CHANGE, ("operator",), {"account_name": "alpha"}
    ),
    "pool": Route("GET", "/pools/{pool}", ENTITY, ("pool",)),
    "pool_operators": Route("GET", "/pools/{pool}/operators", ENTITY, ("pool",)),
    "pool_miners": Route("GET", "/pools/{pool}/miners", ENTITY, ("pool",)),
    "add_pool_miner": Route(
        "POST", "/pools/{pool}/miners", CHANGE, ("pool",), {"account_name": "alpha"}
    ),
    "invite_to_miner": Route("POST", "/miners/{alpha}/access", ACCESS, ("alpha",), INVITATION),
    "modify_access_to_miner": Route(
        "PATCH", "/miners/{alpha}/access", ACCESS, ("alpha",), INVITATION
    ),
    "revoke_access_to_miner": Route(
        "DELETE", "/miners/{alpha}/access?email=no@example.com", ACCESS, ("alpha",)
    ),
    "invite_to_operator": Route(
        "POST", "/operators/{operator}/access", ACCESS, ("operator",), INVITATION
    ),
    "modify_access_to_operator": Route(
        "PATCH", "/operators/{operator}/access", ACCESS, ("operator",), INVITATION
    ),
    "revoke_access_to_operator": Route(
        "DELETE", "/operators/{operator}/access?email=no@example.com", ACCESS, ("operator",)
    ),
    "invite_to_pool": Route(
        "POST",
        "/pools/{pool}/access",
        OWNERS,
        ("pool",),
        {"email": "new@example.com", "roles": ["owner"]},
    ),
    "modify_access_to_pool": Route(
        "PATCH",
        "/pools/{pool}/access",
        OWNERS,
        ("pool",),
        {"email": "new@example.com", "roles": ["owner"]},
    ),
    "revoke_access_to_pool": Route(
        "DELETE", "/pools/{pool}/access?email=no@example.com", ACCESS, ("pool",)
    ),
    "list_watchers": Route("GET", "/miners/{alpha}/watchers", CHANGE, ("alpha",)),
    "create_watcher": Route("POST", "/miners/{alpha}/watchers", CHANGE, ("alpha",), {}),
    "revoke_watcher": Route("DELETE", f"/miners/{{alpha}}/watchers/{SOME}", CHANGE, ("alpha",)),
    "current_user": Route("GET", "/user", "any"),
    "register_miner": Route("POST", "/miners", "no watcher", (), {"account_name": "alpha"}),
    "list_bookmarks": Route("GET", "/users/{self}/watchers", "self"),
    "add_bookmark": Route("POST", "/users/{self}/watchers", "self", (), {"token": TOKEN}),
    "drop_bookmark": Route("DELETE", f"/users/{{self}}/watchers/{TOKEN}", "self"),
    "notification_preferences": Route("GET", "/users/{self}/notifications", "self"),
    "change_notifications": Route("PATCH", "/users/{self}/notifications", "self", (), {}),
    "create_invite": Route("POST", "/users/{self}/telegram/invite", "self"),
    "newest_invite": Route("GET", "/users/{self}/telegram/invite", "self"),
    "connected_chat": Route("GET", "/users/{self}/telegram/chat", "self"),
    "disconnect_chat": Route("DELETE", "/users/{self}/telegram/chat", "self"),
    "public_pool": Route("GET", "/pool", "public"),
    "public_pool_stats": Route("GET", "/pool/stats", "public"),
    "watcher_permissions": Route("GET", f"/watchers/{TOKEN}/permissions", "public"),
}
STREAMED = {"live_events", "pool_live_events"}  # have no end; tested with the feed
PROBES = {"healthz", "readyz", "metrics"}


@dataclass
class Caller:
    """A credential and what should come of it."""

    name: str
    headers: dict[str, str]
    internal: bool = False
    role: Role | None = None
    on: str | None = None
    watches: str | None = None
    uid: UUID | None = None

    def may(self, route: Route, selves: set[UUID] = frozenset()) -> bool:
        if self.internal or route.action in ("public", "any"):
            return True
        if route.action == "no watcher":
            return self.watches is None
        if route.action == "self":
            return self.name == "stranger"
        grant = RIGHTS[Action(route.action)]
        if self.watches is not None:
            return grant.watcher and self.watches in route.on
        reached = any(self.on in ABOVE[entity] for entity in route.on)
        return reached and self.role in getattr(grant, KIND[self.on].value)


@dataclass
class World:
    tree: Tree
    callers: list[Caller] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


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
    for name in ("alpha", "beta"):
        token = "hfwl_" + uuid4().hex + uuid4().hex
        await connection.execute(
            "insert into watchers (miner_id, token, title) values ($1, $2, 'w')", ids[name], token
        )
        callers.append(Caller(f"watcher of {name}", {"X-Watcher-Token": token}, watches=name))
    _, key = await create_key(url, title="t", email="stranger@example.com")
    uid = await connection.fetchval("select uid from users where email = 'stranger@example.com'")
    headers = {"Authorization": f"Bearer {key}"}
    # `Caller.on` of a stranger: an entity that is above nothing.
    callers.append(Caller("stranger", headers, role=Role.OWNER, on=None, uid=uid))
    return callers


@pytest.fixture
async def world(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=0.2)
        callers = await make_callers(database_url, tree, connection)
    stranger = callers[-1]
    names = {name: str(getattr(tree, name).uid) for name in ABOVE}
    names |= {"rig": str(tree.alpha_workers[0].uid), "gift": str(tree.boundary.uid)}
    names |= {"self": str(stranger.uid)}
    config = api_config(database_url, access=AccessConfig(internal_api_key="configured"))
    async with api_client(config) as client:
        yield client, World(tree, callers, names)


def filled(value, names):
    if isinstance(value, dict):
        return {key: filled(below, names) for key, below in value.items()}
    return value.format(**names) if isinstance(value, str) else value


def test_every_operation_stands_in_the_table():
    document = create_app(api_config("postgresql://nowhere")).openapi()
    operations = {op["operationId"] for path in document["paths"].values() for op in path.values()}
    assert operations == set(ROUTES) | STREAMED | PROBES


async def test_every_route_for_every_kind_of_caller(world):
    client, it = world
    wrong = []
    for name, route in ROUTES.items():
        url = BASE + route.path.format(**it.names)
        body = filled(route.body, it.names)
        for caller in it.callers:
            answer = await client.request(route.method, url, json=body, headers=caller.headers)
            allowed = answer.status_code not in (401, 403)
            if allowed != caller.may(route) or answer.status_code in (400, 500):
                wrong.append((name, caller.name, answer.status_code, answer.text[:120]))
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
