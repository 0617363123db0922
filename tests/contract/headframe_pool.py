"""A pool in which every operation of the document has something to answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2

from tests.fixtures.kratos import Person
from tests.integration.api.data import seed_minutes
from tests.integration.people.pool import INTERNAL, Pool

NOW = datetime.now(UTC)
TODAY = NOW.date()
ADDRESSES = ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5")
CHAT_USER = {
    "id": 77,
    "username": "johnny",
    "first_name": "Johnny",
    "last_name": "Appleseed",
    "language_code": "en",
    "is_premium": True,
}


@dataclass
class HeadframePool:
    """`owner` owns everything; `member` and `visitor` look at alpha, `clerk` at the operator,
    `staff` at the pool; `guest` and somebody unknown are invited to alpha."""

    pool: Pool
    owner: Person
    member: Person
    guest: Person
    names: dict[str, str]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    async def request(self, method: str, path: str, who: str, **options: Any) -> httpx2.Response:
        return await self.pool.call(method, path, self.headers[who], **options)


async def headframe_pool(pool: Pool) -> HeadframePool:
    tree = pool.tree
    await seed_minutes(pool.connection, days=2)
    owner = await pool.member("owner", tree.pool)
    for node in (tree.operator, tree.alpha, tree.beta):
        await pool.connection.execute(
            "insert into roles values ($1, $2, 'owner')", node.id, owner.uid
        )
    people = {
        "owner": owner,
        "member": await pool.member("viewer", tree.alpha),
        "clerk": await pool.member("viewer", tree.operator),
        "staff": await pool.member("viewer", tree.pool),
        "visitor": await pool.member("viewer", tree.alpha),
        "guest": pool.people.person(),
    }
    headers = {name: pool.people.headers(person) for name, person in people.items()}
    made = HeadframePool(
        pool,
        owner,
        people["member"],
        people["guest"],
        {f"{name}_email": person.email for name, person in people.items()},
        headers | {"internal": INTERNAL},
    )
    await _money(made)
    await _telegram(made)
    await pool.connection.execute(
        "insert into boundary_hashrates (worker_id, valid_from, hashrate) values ($1, $2, 2e14)",
        tree.boundary.id,
        datetime.combine(TODAY + timedelta(days=1), datetime.min.time(), UTC),
    )
    made.names |= _ids(made) | await _links(made) | await _invitations(made)
    made.names |= {
        "wallet_id": str(await _wallet(made)),
        "session_id": pool.people.session(made.member)["session"]["id"],
    }
    answer = await made.request("POST", "/users/me/deletion-request", "member")
    assert answer.status_code == 200, answer.text
    return made


def _ids(made: HeadframePool) -> dict[str, str]:
    tree = made.pool.tree
    return {
        "pool_id": str(tree.pool.uid),
        "operator_id": str(tree.operator.uid),
        "miner_id": str(tree.alpha.uid),
        "miner_donor_id": str(tree.alpha.uid),
        "miner_recipient_id": str(tree.beta.uid),
        "worker_id": str(tree.boundary.uid),
        "user_id": "me",
        "member": str(made.member.uid),
        "rig": str(tree.alpha_workers[0].uid),
        "second_rig": str(tree.alpha_workers[1].uid),
    }


async def _links(made: HeadframePool) -> dict[str, str]:
    path = f"/miners/{made.pool.tree.alpha.uid}/watchers"
    body = {"title": "for the accountant", "extra_permissions": ["accountant"]}
    link = (await made.request("POST", path, "owner", json=body)).json()
    bookmark = {"token": link["token"]}
    answer = await made.request("POST", "/users/me/watchers", "owner", json=bookmark)
    assert answer.status_code == 200, answer.text
    return {"watcher_id": link["id"], "watcher_token": link["token"]}


async def _invitations(made: HeadframePool) -> dict[str, str]:
    """The id of who is invited and has not come, the code of who has an account."""
    path = f"/miners/{made.pool.tree.alpha.uid}/access"
    unknown = f"{uuid4().hex[:12]}@example.com"
    waiting: set[str] = set()
    for email in (made.guest.email, unknown):
        known = waiting
        body = {"email": email, "roles": ["viewer"]}
        answer = await made.request("POST", path, "owner", json=body)
        assert answer.status_code == 200, answer.text
        users = f"/pools/{made.pool.tree.pool.uid}/users?active=false&limit=100"
        listed = (await made.request("GET", users, "owner")).json()["data"]
        waiting = {user["id"] for user in listed if user["status"] == "pending"}
    [invited] = waiting - known
    return {"invited": invited, "code": await made.pool.last_code(made.guest.email)}


async def _telegram(made: HeadframePool) -> None:
    run = made.pool.connection.execute
    await run("update telegram_updates set username = 'acme_bot', first_name = 'Acme'")
    await run(
        "insert into telegram_chats (user_uid, chat_id, chat_user) values ($1, 77, $2)",
        made.owner.uid,
        json.dumps(CHAT_USER),
    )


async def _wallet(made: HeadframePool) -> Any:
    """Alpha's: an address and a minimum in force, and others that are to come."""
    connection = made.pool.connection
    wallet = await connection.fetchval(
        "select uid from wallets where owner_id = $1", made.pool.tree.alpha.id
    )
    times = (NOW - timedelta(days=5), NOW + timedelta(days=5))
    for address, valid_from in zip(ADDRESSES, times, strict=True):
        await connection.execute(
            "insert into wallet_addresses (wallet, address, network, valid_from, created_by) "
            "values ($1, $2, 'mainnet', $3, 'test')",
            wallet,
            address,
            valid_from,
        )
        await connection.execute(
            "insert into wallet_min_payments (wallet, amount_sat, valid_from, created_by) "
            "values ($1, 1000000, $2, 'test')",
            wallet,
            valid_from,
        )
    return wallet


async def _money(made: HeadframePool) -> None:
    """Fees that change, a sharing that ends, a referral, a rate, and a reward for each."""
    run, tree = made.pool.connection.execute, made.pool.tree
    await run("update pools set fee_published = true, min_payout_published = true")
    for relation, payer, payee in (
        ("miner_pool", tree.alpha.id, tree.pool.id),
        ("miner_operator", tree.alpha.id, tree.operator.id),
        ("recipient_donor", tree.beta.id, tree.alpha.id),
    ):
        for days in (-20, 20):
            await run(
                "insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, comment, "
                "created_by) values ($1, $2, $3, $4, 0.01, 'agreed', 'test')",
                relation,
                payer,
                payee,
                TODAY + timedelta(days=days),
            )
    await run(
        "insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from, valid_until, "
        "created_by) values ($1, $2, 'profit_sharing', 0.1, $3, $4, 'test')",
        tree.alpha.id,
        tree.beta.id,
        TODAY - timedelta(days=5),
        TODAY + timedelta(days=5),
    )
    await run(
        "insert into referrer_codes (code, miner_id) values ('hfrc_ABCDEFGH', $1)", tree.alpha.id
    )
    await run("insert into referrals values ($1, $2, 'hfrc_ABCDEFGH')", tree.beta.id, tree.alpha.id)
    await run(
        "insert into reward_rates (day, scheme, numerator, denominator, rate, subsidy_rate, "
        "created_by) values ($1, 'given', 1, 1, 0.00000000000000000282, 0, 'test')",
        TODAY - timedelta(days=1),
    )
    for owner in (tree.pool, tree.operator, tree.alpha):
        await run(
            "insert into payments (id, entity_id, type, direction, amount_sat, created_at, "
            "effective_at, hashrate, rate, description) values (gen_random_uuid(), $1, 'reward', "
            "'incoming', 385, $2, $2, 178469469608370, 0.00000000000000000282, 'a competition')",
            owner.id,
            NOW - timedelta(days=1),
        )
