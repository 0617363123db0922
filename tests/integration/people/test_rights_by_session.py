"""The rights matrix once more, walked by people who have signed in: as phones and as browsers."""

from __future__ import annotations

from schemas.access import ROLES_ON, Role
from tests.integration.api.access.test_rights import Caller, filled
from tests.integration.api.client import BASE
from tests.integration.api.data import seed_minutes
from tests.integration.api.route_table import ABOVE, KIND, ROUTES
from tests.integration.people.pool import Pool

# They change what the walk itself stands on; `test_caller` and `test_pool_users` are about them.
LEFT_OUT = {"set_status", "set_language"}


async def callers_of(pool: Pool) -> list[Caller]:
    """One person for each role on each entity, every second one in a browser."""
    callers = []
    for name, kind in KIND.items():
        for role in sorted(ROLES_ON[kind]):
            person = await pool.member(role, getattr(pool.tree, name))
            sign_in = pool.people.cookie if len(callers) % 2 else pool.people.headers
            headers = sign_in(person)
            found = Caller(
                f"{role} of {name}", headers, role=role, on=name, uid=person.uid, session=True
            )
            callers.append(found)
    stranger = pool.people.person()
    headers = pool.people.cookie(stranger)
    await pool.call("GET", "/user", headers)
    callers.append(
        Caller("stranger", headers, role=Role.OWNER, on=None, uid=stranger.uid, session=True)
    )
    return callers


async def test_every_route_for_everybody_who_has_signed_in(pool: Pool):
    await seed_minutes(pool.connection, days=0.2)
    callers = await callers_of(pool)
    names = {name: str(getattr(pool.tree, name).uid) for name in ABOVE}
    names |= {"rig": str(pool.tree.alpha_workers[0].uid), "gift": str(pool.tree.boundary.uid)}
    names |= {"self": str(callers[-1].uid)}
    wrong = []
    for name, route in ROUTES.items():
        if name in LEFT_OUT:
            continue
        url = BASE + route.path.format(**names)
        body = filled(route.body, names)
        for caller in callers:
            answer = await pool.client.request(route.method, url, json=body, headers=caller.headers)
            allowed = answer.status_code not in (401, 403)
            if allowed != caller.may(route) or answer.status_code in (400, 500):
                wrong.append((name, caller.name, answer.status_code, answer.text[:120]))
    assert wrong == []
